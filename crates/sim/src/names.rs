//! The hosts table: what the simulated domain name system knows.

use cordboard_core::dns::{Naptr, Query, Records, Srv};
use cordboard_core::transport::Transport;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Names and what stands behind them. A name that is not here does not exist.
#[derive(Clone, Debug, Default)]
pub struct Names {
    services: BTreeMap<Box<str>, Vec<Naptr>>,
    servers: BTreeMap<Box<str>, Vec<Srv>>,
    addresses: BTreeMap<Box<str>, Vec<IpAddr>>,
}

impl Names {
    /// Adds an address of a host (A or AAAA).
    pub fn host(&mut self, name: &str, address: IpAddr) {
        self.addresses.entry(key(name)).or_default().push(address);
    }

    /// Adds a server of a domain, for one transport: its NAPTR and SRV records (RFC 3263 §4.1, §4.2, RFC 7118 §7). Those
    /// added later are tried later.
    pub fn server(&mut self, domain: &str, transport: Transport, target: &str, port: u16) {
        let (flag, label) = match transport {
            Transport::Udp => ("SIP+D2U", "_sip._udp"),
            Transport::Tcp => ("SIP+D2T", "_sip._tcp"),
            Transport::Tls => ("SIPS+D2T", "_sips._tcp"),
            Transport::Ws => ("SIP+D2W", "_sip._ws"),
            Transport::Wss => ("SIPS+D2W", "_sips._ws"),
        };
        let name = format!("{label}.{domain}");
        let services = self.services.entry(key(domain)).or_default();
        if !services.iter().any(|service| *service.service == *flag) {
            let preference = u16::try_from(services.len()).unwrap_or(u16::MAX);
            services.push(Naptr {
                order: 10,
                preference,
                flags: "s".into(),
                service: flag.into(),
                replacement: name.as_str().into(),
            });
        }
        let servers = self.servers.entry(key(&name)).or_default();
        let priority = u16::try_from(servers.len()).unwrap_or(u16::MAX);
        servers.push(Srv { priority, weight: 0, port, target: target.into() });
    }

    /// Answers a lookup.
    pub fn look_up(&self, query: &Query) -> Records {
        match query {
            Query::Naptr(name) => Records::Naptr(found(&self.services, name)),
            Query::Srv(name) => Records::Srv(found(&self.servers, name)),
            Query::Addresses(name) => Records::Addresses(found(&self.addresses, name)),
        }
    }
}

fn found<T: Clone>(table: &BTreeMap<Box<str>, Vec<T>>, name: &str) -> Vec<T> {
    table.get(&key(name)).cloned().unwrap_or_default()
}

fn key(name: &str) -> Box<str> {
    name.trim_end_matches('.').to_ascii_lowercase().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_of_a_domain_are_found_in_their_order() {
        let mut names = Names::default();
        names.server("Example.com", Transport::Udp, "one.example.com", 5060);
        names.server("example.com", Transport::Udp, "two.example.com", 5070);
        let Records::Naptr(services) = names.look_up(&Query::Naptr("example.com.".into())) else {
            panic!("asked for services");
        };
        assert_eq!(services.len(), 1);
        let Records::Srv(servers) = names.look_up(&Query::Srv(services[0].replacement.clone())) else {
            panic!("asked for servers");
        };
        let targets: Vec<_> = servers.iter().map(|server| (&*server.target, server.priority)).collect();
        assert_eq!(targets, [("one.example.com", 0), ("two.example.com", 1)]);
        assert_eq!(names.look_up(&Query::Addresses("nobody".into())), Records::Addresses(Vec::new()));
    }
}
