//! What the picture is made of, in pixels. `y` grows downwards.

/// A point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Point {
    pub x: i32,
    pub y: i32,
}

/// A rectangle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rect {
    pub x: i32,
    pub y: i32,
    pub width: i32,
    pub height: i32,
}

impl Rect {
    pub fn right(self) -> i32 {
        self.x + self.width
    }

    pub fn bottom(self) -> i32 {
        self.y + self.height
    }

    /// Its middle, from left to right and from top to bottom.
    pub fn middle(self) -> Point {
        Point { x: self.x + self.width / 2, y: self.y + self.height / 2 }
    }

    /// The same, elsewhere.
    pub fn moved(self, x: i32, y: i32) -> Self {
        Self { x: self.x + x, y: self.y + y, ..self }
    }
}

/// A word at a line, by the middle of its foot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Label {
    pub at: Point,
    pub text: String,
}

/// Which ends of a line have a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heads {
    /// Neither.
    None,
    /// Where it begins.
    Begin,
    /// Where it ends.
    End,
    /// Both.
    Both,
}

/// A line along `points`, each straight left, right, above or below the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub points: Vec<Point>,
    pub heads: Heads,
}
