//! What the other modules hold for one order, and their promises about it.

use contracts::Code;

use super::Call;

/// How far one module has come with an order.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    #[default]
    Untouched,
    /// Reserved, authorized, scheduled.
    Held,
    /// Committed, captured.
    Settled,
    /// Released, voided or refunded, cancelled; also a tombstone.
    Undone,
}

impl Part {
    fn hold(self) -> Result<Self, Code> {
        match self {
            Self::Untouched => Ok(Self::Held),
            Self::Held | Self::Settled => Ok(self),
            Self::Undone => Err(Code::Compensated),
        }
    }

    fn settle(self) -> Result<Self, Code> {
        match self {
            Self::Untouched => Err(Code::NotFound),
            Self::Held | Self::Settled => Ok(Self::Settled),
            Self::Undone => Err(Code::Compensated),
        }
    }
}

/// What the other modules hold for one order.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Holdings {
    pub goods: Part,
    pub money: Part,
    pub carrier: Part,
}

impl Holdings {
    /// What a confirmed order has.
    pub const CONFIRMED: Self = Self { goods: Part::Settled, money: Part::Settled, carrier: Part::Held };

    /// Whether nothing is held.
    pub fn are_empty(self) -> bool {
        let empty = |part| matches!(part, Part::Untouched | Part::Undone);
        empty(self.goods) && empty(self.money) && empty(self.carrier)
    }

    /// What `call` does to it, or the refusal.
    pub(super) fn apply(&mut self, call: Call) -> Result<(), Code> {
        match call {
            Call::Products | Call::Quote => {}
            Call::Reserve => self.goods = self.goods.hold()?,
            Call::Commit => self.goods = self.goods.settle()?,
            Call::Release => self.goods = Part::Undone,
            Call::Authorize => self.money = self.money.hold()?,
            Call::Capture => self.money = self.money.settle()?,
            Call::Void if self.money == Part::Settled => return Err(Code::Conflict),
            Call::Refund if matches!(self.money, Part::Untouched | Part::Held) => return Err(Code::Conflict),
            Call::Void | Call::Refund => self.money = Part::Undone,
            Call::Schedule => self.carrier = self.carrier.hold()?,
            Call::Recall | Call::CancelShipment => self.carrier = Part::Undone,
        }
        Ok(())
    }
}
