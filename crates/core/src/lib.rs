//! The rules as machines: transactions, dialogs and usages, without sockets, clocks or dice.
