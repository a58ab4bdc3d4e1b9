//! `Agent`, the one door, and its roles: registrar, proxy, telephone.
