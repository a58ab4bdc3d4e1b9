//! Ladder drawings: print, parse, compare pair by pair.
