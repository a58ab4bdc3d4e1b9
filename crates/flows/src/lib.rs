//! The worked flows of the RFCs, written once as scripts and played on every stage.
