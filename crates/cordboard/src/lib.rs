//! `cordboard`: switchboard, telephone and analyser in one binary.
//!
//! [`cli`] reads the command line. [`config`] says what a switchboard is told and [`people`] who may use
//! it; [`data`] and [`store`] keep what outlives the process. [`switchboard`] is a running one as its
//! operator sees it: the [`fleet`] of agents, started by [`serve`] or, with a directory of its own, as a
//! [`demo`]. [`api`] shows it over HTTP, with [`metrics`] and calls as a [`drawing`], and [`ctl`]
//! is the other end of that, through [`answers`]; [`feed`] is what happens, as a stream. [`check`] explains a configuration. [`phone`] is a
//! telephone for people and scripts, and [`flows`] plays the worked flows of the RFCs. [`operating`] is what an operator
//! does with calls. [`logging`] and [`private`] say what happens without saying who, [`words`] which words the API has for it.

pub mod answers;
pub mod api;
pub mod check;
pub mod cli;
pub mod config;
pub mod ctl;
pub mod data;
pub mod demo;
pub mod drawing;
pub mod feed;
pub mod fleet;
pub mod flows;
pub mod logging;
pub mod metrics;
pub mod operating;
pub mod passwords;
pub mod people;
pub mod phone;
pub mod private;
pub mod rules;
pub mod serve;
pub mod servers;
pub mod store;
pub mod switchboard;
pub mod terminal;
pub mod words;
