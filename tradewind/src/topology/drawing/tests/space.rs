//! Who takes which space in a picture.

use crate::topology::drawing::layout::{Layout, WIDTH};
use crate::topology::drawing::shapes::{Label, Line, Point, Rect};

/// How text is set in the picture. Nobody knows the reader's font: the widths are those of DejaVu Sans, which is wider
/// than what most people have.
#[derive(Clone, Copy)]
enum Type {
    /// Names of boxes: 15 pixels, bold.
    Name,
    /// Long ones: 12 pixels, bold.
    LongName,
    /// Everything else: 12 pixels.
    Small,
}

impl Type {
    fn width(self, text: &str) -> i32 {
        let (pixels, bolder) = match self {
            Self::Name => (15, 8),
            Self::LongName => (12, 8),
            Self::Small => (12, 0),
        };
        let hundredths = |letter| match letter {
            'm' | 'w' => 96,
            'i' | 'j' | 'l' | ' ' | ',' | ':' | '.' => 32,
            'f' | 'r' | 't' | '-' | '/' => 42,
            'c' | 'k' | 's' | 'v' | 'x' | 'y' | 'z' => 59,
            _ => 64,
        };
        text.chars().map(|letter| pixels * (hundredths(letter) + bolder)).sum::<i32>() / 100
    }
}

impl Rect {
    fn overlaps(self, other: Self) -> bool {
        self.x < other.right() && other.x < self.right() && self.y < other.bottom() && other.y < self.bottom()
    }

    pub(super) fn contains(self, other: Self) -> bool {
        self.x <= other.x
            && other.right() <= self.right()
            && self.y <= other.y
            && other.bottom() <= self.bottom()
    }

    /// Whether the point lies on its left or right side.
    pub(super) fn touches(self, point: Point) -> bool {
        [self.x, self.right()].contains(&point.x) && (self.y..=self.bottom()).contains(&point.y)
    }
}

/// What `label` covers.
fn covered(label: &Label) -> Rect {
    let width = Type::Small.width(&label.text);
    Rect { x: label.at.x - width / 2, y: label.at.y - 10, width, height: 12 }
}

/// What one straight piece of a line runs through.
fn pieces(line: &Line) -> impl Iterator<Item = Rect> {
    line.points.windows(2).map(move |ends| {
        let (from, to) = (ends[0], ends[1]);
        assert!(from.x == to.x || from.y == to.y, "{line:?} is not straight");
        let (x, y) = (from.x.min(to.x), from.y.min(to.y));
        Rect { x, y, width: (from.x - to.x).abs(), height: (from.y - to.y).abs() }
    })
}

/// A picture, as the space that things take.
pub(super) struct Space<'a> {
    layout: &'a Layout,
    frames: Vec<Rect>,
    boxes: Vec<Rect>,
    labels: Vec<Rect>,
    names: Vec<Rect>,
}

impl<'a> Space<'a> {
    pub fn of(layout: &'a Layout) -> Self {
        let frames = layout.frames.iter().flat_map(|frame| [Some(frame.rect), frame.behind()]).flatten();
        let modules = layout.modules.iter().map(|module| module.rect);
        let servers = layout.servers.iter().map(|server| server.rect);
        let names = layout.frames.iter().map(|frame| {
            let letters = if frame.has_long_name() { Type::LongName } else { Type::Name };
            let width = letters.width(&frame.name);
            Rect { x: frame.rect.x + 14, y: frame.rect.y + 10, width, height: 18 }
        });
        Self {
            layout,
            frames: frames.collect(),
            boxes: modules.chain(servers).collect(),
            labels: layout.calls.iter().map(|call| covered(&call.label)).collect(),
            names: names.collect(),
        }
    }

    pub fn check(&self) {
        self.nothing_sticks_out();
        self.no_two_boxes_overlap();
        self.labels_are_free();
        self.lines_run_between_boxes();
        self.names_fit();
    }

    fn nothing_sticks_out(&self) {
        let paper = Rect { x: 0, y: 0, width: WIDTH, height: self.layout.height };
        for rect in self.frames.iter().chain(&self.boxes).chain(&self.labels) {
            assert!(paper.contains(*rect), "{rect:?} is not on the paper");
        }
        let lines = self.layout.calls.iter().map(|call| &call.line).chain(&self.layout.events);
        for rect in lines.flat_map(pieces) {
            assert!(paper.contains(rect), "a line runs off the paper: {rect:?}");
        }
        let meanings = self.layout.legend.iter().map(|entry| (entry.at, Type::Small.width(entry.meaning)));
        let left = self.layout.legend.iter().map(|entry| entry.at.x).max().expect("there is a legend");
        for (at, width) in meanings {
            let end = if at.x == left { WIDTH } else { left };
            assert!(at.x + 46 + width <= end, "a line of the legend is too long: {at:?}");
        }
    }

    fn no_two_boxes_overlap(&self) {
        for (number, one) in self.boxes.iter().enumerate() {
            assert!(!self.boxes[number + 1..].iter().any(|other| one.overlaps(*other)), "{one:?}");
            let cut = self.frames.iter().any(|frame| one.overlaps(*frame) && !frame.contains(*one));
            assert!(!cut, "{one:?} lies on a frame");
        }
        let frames = &self.layout.frames;
        for (number, one) in frames.iter().enumerate() {
            for other in &frames[number + 1..] {
                for rect in [Some(other.rect), other.behind()].into_iter().flatten() {
                    assert!(!one.rect.overlaps(rect), "{} overlaps {}", one.name, other.name);
                }
            }
        }
    }

    fn labels_are_free(&self) {
        for (number, label) in self.labels.iter().enumerate() {
            let taken = self.boxes.iter().chain(&self.names).chain(&self.labels[number + 1..]);
            assert!(!taken.clone().any(|other| label.overlaps(*other)), "{label:?} lies on something");
            let frames = self.layout.frames.iter().filter(|frame| frame.rect.contains(*label));
            assert_eq!(frames.count(), 1, "{label:?} lies on a frame");
        }
    }

    fn lines_run_between_boxes(&self) {
        let lines = self.layout.calls.iter().map(|call| &call.line).chain(&self.layout.events);
        for rect in lines.flat_map(pieces) {
            // a piece has no width or no height, so that one that only ends at a box does not overlap it
            let through = self.boxes.iter().any(|it| it.overlaps(rect));
            assert!(!through, "a line runs through a box: {rect:?}");
        }
    }

    fn names_fit(&self) {
        for (frame, name) in self.layout.frames.iter().zip(&self.names) {
            let replicas = frame.rect.right() - 14 - Type::Name.width("× 8");
            assert!(name.right() < replicas, "{} is too long", frame.name);
        }
        for module in &self.layout.modules {
            let sign = module.rect.right() - 24 - 11;
            assert!(module.rect.x + 14 + Type::Name.width(module.part.name()) < sign, "{}", module.part);
        }
        for server in &self.layout.servers {
            let (name, purpose) = (server.what.name(), server.what.purpose());
            let widest = Type::Name.width(name).max(Type::Small.width(purpose));
            assert!(widest < server.rect.width, "{name} needs {widest}");
        }
    }
}
