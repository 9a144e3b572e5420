//! How many connections there are, in all, per address and per shard.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use parlour_proto::ShardId;
use slab::Slab;
use tokio::sync::Notify;

use crate::source::{Share, Source};

/// Counts the places that are taken.
pub(crate) struct Occupancy {
    connections_max: usize,
    counts: Mutex<Counts>,
    emptied: Notify,
}

struct Counts {
    total: usize,
    /// So that a place holds four bytes of its address and not all of it.
    addresses: Slab<Address>,
    by_address: HashMap<Option<IpAddr>, usize>,
    by_shard: Vec<usize>,
    closed: bool,
}

/// An address with connections.
struct Address {
    address: Option<IpAddr>,
    connections: usize,
}

/// Its place among the addresses, counted from 1, so that none costs nothing.
#[derive(Clone, Copy)]
struct AddressIndex(NonZeroU32);

/// One connection's place, from its upgrade to its socket's end. Dropping it makes room.
pub(crate) struct Place(Holding);

/// Most have one holder, and cost nothing beside it.
enum Holding {
    Alone(Seat),
    Together(Arc<Seat>),
}

struct Seat {
    occupancy: Arc<Occupancy>,
    /// `None` is a client in this process.
    address: Option<AddressIndex>,
    shard: ShardId,
}

const _: () = assert!(size_of::<Place>() <= 16, "every connection has one");

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Full {
    #[error("the server has as many connections as it may have; try again later")]
    Server,
    #[error("your address has as many connections as it may have; close one first")]
    Address,
    #[error("the server is going away; come back later")]
    GoingAway,
}

impl Occupancy {
    pub(crate) fn new(connections_max: usize, shards: usize) -> Arc<Self> {
        let by_shard = vec![0; shards];
        let counts = Counts {
            total: 0,
            addresses: Slab::new(),
            by_address: HashMap::new(),
            by_shard,
            closed: false,
        };
        Arc::new(Self {
            connections_max,
            counts: Mutex::new(counts),
            emptied: Notify::new(),
        })
    }

    /// Takes a place for a connection from `address`, on the shard that has the fewest. One address
    /// may have its `share`, each loopback address too.
    pub(crate) fn take(
        self: &Arc<Self>,
        address: Option<IpAddr>,
        share: Share,
    ) -> Result<Place, Full> {
        let address = address.map(counted_as);
        let mut counts = self.lock();
        self.check(&counts)?;
        if counts.held_by(address) >= share.of(Source::of(address)) {
            return Err(Full::Address);
        }
        let address = counts.add(address);
        Ok(self.seat(&mut counts, Some(address)))
    }

    /// Takes a place for a client in this process, which has no address that could have a share.
    pub(crate) fn take_local(self: &Arc<Self>) -> Result<Place, Full> {
        let mut counts = self.lock();
        self.check(&counts)?;
        Ok(self.seat(&mut counts, None))
    }

    fn check(&self, counts: &Counts) -> Result<(), Full> {
        if counts.closed {
            return Err(Full::GoingAway);
        }
        if counts.total >= self.connections_max || counts.by_shard.is_empty() {
            return Err(Full::Server);
        }
        Ok(())
    }

    /// There is a shard, which was checked.
    fn seat(self: &Arc<Self>, counts: &mut Counts, address: Option<AddressIndex>) -> Place {
        counts.total += 1;
        let shards = (0..).zip(&counts.by_shard);
        let shard = shards.min_by_key(|(_, count)| **count).map_or(0, |it| it.0);
        counts.by_shard[usize::from(shard)] += 1;
        Place(Holding::Alone(Seat {
            occupancy: Arc::clone(self),
            address,
            shard: ShardId(shard),
        }))
    }

    /// From now on nobody gets a place.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
    }

    /// Waits until every place is free.
    pub(crate) async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.lock().total == 0 {
                return;
            }
            emptied.await;
        }
    }

    pub(crate) fn total(&self) -> usize {
        self.lock().total
    }

    /// Nothing in here panics between two changes that belong together.
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn held_by(&self, address: Option<IpAddr>) -> usize {
        let known = self.by_address.get(&address);
        known.map_or(0, |index| self.addresses[*index].connections)
    }

    fn add(&mut self, address: Option<IpAddr>) -> AddressIndex {
        let index = *self.by_address.entry(address).or_insert_with(|| {
            self.addresses.insert(Address {
                address,
                connections: 0,
            })
        });
        self.addresses[index].connections += 1;
        // There are no more addresses than connections, which are fewer than 2^32.
        AddressIndex(NonZeroU32::MIN.saturating_add(index as u32))
    }

    fn remove(&mut self, AddressIndex(place): AddressIndex) {
        let index = place.get() as usize - 1;
        self.addresses[index].connections -= 1;
        if self.addresses[index].connections == 0 {
            let gone = self.addresses.remove(index);
            self.by_address.remove(&gone.address);
        }
    }
}

impl Place {
    pub(crate) fn shard(&self) -> ShardId {
        match &self.0 {
            Holding::Alone(seat) => seat.shard,
            Holding::Together(seat) => seat.shard,
        }
    }

    /// The same place for two holders: room is made when both have dropped it.
    pub(crate) fn shared(self) -> (Self, Self) {
        let seat = match self.0 {
            Holding::Alone(seat) => Arc::new(seat),
            Holding::Together(seat) => seat,
        };
        let other = Arc::clone(&seat);
        (
            Self(Holding::Together(seat)),
            Self(Holding::Together(other)),
        )
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut counts = self.occupancy.lock();
        counts.total -= 1;
        counts.by_shard[usize::from(self.shard.0)] -= 1;
        if let Some(address) = self.address {
            counts.remove(address);
        }
        if counts.total == 0 {
            self.occupancy.emptied.notify_waiters();
        }
    }
}

/// One customer of IPv6 has a network of 64 bits, so that counts as one address.
pub(crate) fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            const NETWORK: u128 = !0 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & NETWORK))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{ADDRESS_CONNECTIONS_MAX, CONNECTION_SHARE};

    fn take(occupancy: &Arc<Occupancy>, address: Option<IpAddr>) -> Result<Place, Full> {
        occupancy.take(address, CONNECTION_SHARE)
    }

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn the_server_has_a_bound() {
        let occupancy = Occupancy::new(2, 1);
        let first = take(&occupancy, address("192.0.2.1")).ok().unwrap();
        let _second = take(&occupancy, address("192.0.2.2")).ok().unwrap();
        assert_eq!(
            take(&occupancy, address("192.0.2.3")).err(),
            Some(Full::Server)
        );
        drop(first);
        assert!(take(&occupancy, address("192.0.2.3")).is_ok());
    }

    #[test]
    fn an_address_has_a_bound_and_a_network_of_ipv6_is_one_address() {
        for (mine, also_mine, other) in [
            ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"),
            ("2001:db8::1", "2001:db8::2:3", "2001:db8:0:1::1"),
        ] {
            let occupancy = Occupancy::new(usize::MAX, 1);
            let places: Vec<Place> = (0..ADDRESS_CONNECTIONS_MAX)
                .map(|_| take(&occupancy, address(mine)).ok().unwrap())
                .collect();
            assert_eq!(
                take(&occupancy, address(also_mine)).err(),
                Some(Full::Address)
            );
            assert!(take(&occupancy, address(other)).is_ok());
            drop(places);
            assert!(take(&occupancy, address(also_mine)).is_ok());
            assert!(
                occupancy.lock().by_address.is_empty() && occupancy.lock().addresses.is_empty()
            );
        }
    }

    #[test]
    fn connections_go_to_the_shard_with_the_fewest() {
        let occupancy = Occupancy::new(100, 3);
        let mut places: Vec<Place> = (0..9)
            .map(|_| take(&occupancy, address("127.0.0.1")).ok().unwrap())
            .collect();
        assert_eq!(occupancy.lock().by_shard, [3, 3, 3]);
        let gone = places.remove(1);
        let shard = gone.shard();
        drop(gone);
        assert_eq!(
            take(&occupancy, address("127.0.0.1")).ok().unwrap().shard(),
            shard
        );
    }

    #[test]
    fn clients_in_this_process_count_among_all_and_take_nobodys_share() {
        let occupancy = Occupancy::new(ADDRESS_CONNECTIONS_MAX + 2, 1);
        let mut places: Vec<Place> = (0..=ADDRESS_CONNECTIONS_MAX)
            .map(|_| occupancy.take_local().ok().unwrap())
            .collect();
        places.push(take(&occupancy, None).ok().unwrap());
        assert_eq!(occupancy.take_local().err(), Some(Full::Server));
        drop(places);
        assert_eq!(occupancy.total(), 0);
    }

    #[test]
    fn a_place_with_two_holders_is_free_when_both_have_gone() {
        let occupancy = Occupancy::new(1, 1);
        let (one, other) = take(&occupancy, None).ok().unwrap().shared();
        assert_eq!((occupancy.total(), one.shard()), (1, other.shard()));
        drop(one);
        assert_eq!(take(&occupancy, None).err(), Some(Full::Server));
        drop(other);
        assert!(take(&occupancy, None).is_ok());
    }

    #[tokio::test]
    async fn who_waits_for_the_end_hears_of_it() {
        let occupancy = Occupancy::new(100, 1);
        let place = take(&occupancy, None).ok().unwrap();
        occupancy.close();
        assert_eq!(take(&occupancy, None).err(), Some(Full::GoingAway));
        let waiter = tokio::spawn({
            let occupancy = Arc::clone(&occupancy);
            async move { occupancy.emptied().await }
        });
        tokio::task::yield_now().await;
        drop(place);
        waiter.await.unwrap();
    }
}
