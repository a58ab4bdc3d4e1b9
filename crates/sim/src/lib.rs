//! The virtual network and clock on which agents stand.
