//! The double-entry ledger: which accounts each transfer moves money between.
//!
//! | transfer | debit | credit |
//! |---|---|---|
//! | authorize | card_receivable | customer_holds |
//! | void | customer_holds | card_receivable |
//! | capture | cash, customer_holds | card_receivable, sales |
//! | refund | sales | cash |

use contracts::{Money, OrderId};

/// An account. Debits count up, credits down, so that all accounts together are always zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Account {
    /// What the network holds for us and has not paid out (an asset).
    CardReceivable,
    /// What customers have promised and not yet paid (a liability).
    CustomerHolds,
    /// What was sold (income).
    Sales,
    /// What was paid out to us (an asset).
    Cash,
}

impl Account {
    /// Its name in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CardReceivable => "card_receivable",
            Self::CustomerHolds => "customer_holds",
            Self::Sales => "sales",
            Self::Cash => "cash",
        }
    }
}

/// A movement of a charge's whole amount. An order has each at most once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transfer {
    /// A hold came to stand.
    Authorize,
    /// A hold was let go.
    Void,
    /// A hold was paid out.
    Capture,
    /// A payment was given back.
    Refund,
}

/// One line of a transfer: debit if positive, credit if negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Which account.
    pub account: Account,
    /// How much.
    pub amount: Money,
}

impl Transfer {
    /// Names the transfer: unique in the ledger, since an order has each at most once.
    pub fn id(self, order: OrderId) -> String {
        let name = match self {
            Self::Authorize => "authorize",
            Self::Void => "void",
            Self::Capture => "capture",
            Self::Refund => "refund",
        };
        format!("{name}:{order}")
    }

    /// Its lines for a charge of `amount`, which sum to zero.
    pub fn lines(self, amount: Money) -> Vec<Line> {
        let debit = |account| Line { account, amount };
        let credit = |account| Line { account, amount: Money { amount: -amount.amount, ..amount } };
        match self {
            Self::Authorize => vec![debit(Account::CardReceivable), credit(Account::CustomerHolds)],
            Self::Void => vec![debit(Account::CustomerHolds), credit(Account::CardReceivable)],
            Self::Capture => vec![
                debit(Account::Cash),
                credit(Account::CardReceivable),
                debit(Account::CustomerHolds),
                credit(Account::Sales),
            ],
            Self::Refund => vec![debit(Account::Sales), credit(Account::Cash)],
        }
    }
}
