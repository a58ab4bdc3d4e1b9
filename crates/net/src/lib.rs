//! Sockets, clocks and seeds: the drivers that carry bytes to agents and back.
