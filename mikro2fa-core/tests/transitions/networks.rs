//! Networks behind an account.

use crate::player;

rows! {
    /// What is fixed behind an account on its router comes and goes with its tunnel, of either family.
    networks_behind_an_account_follow_its_tunnel: "
        given ann has 10.9.0.0/24 behind her
        given ann has 2001:db8:9::/56 behind her
        request
        dial a           | shut 10.9.0.7, shut 2001:db8:9::7
        yes              | a passes, open 10.9.0.7, open 2001:db8:9::7, permits 3
        operator ends    | a gone, shut 10.9.0.7, shut 2001:db8:9::7, permits 0
    ";

    networks_that_change_are_followed: "
        given ann has 10.9.0.0/24 behind her
        request
        dial a
        yes              | open 10.9.0.7, shut 10.10.0.7
        somebody puts 10.10.0.0/24 behind ann
        wait 320s        | shut 10.9.0.7, open 10.10.0.7, a passes, permits 2
    ";

    /// As their pool's network would.
    a_network_that_tunnels_are_in_is_not_let_through: "
        given ann has 10.8.0.0/24 behind her
        request
        dial a
        yes              | a passes, shut 10.8.0.200, permits 1, found tunnels get their addresses from it
        dial g as guest  | g held
    ";

    everything_is_no_network: "
        given ann has 0.0.0.0/0 behind her
        request
        dial a
        yes              | a passes, shut 192.0.2.1, permits 1
    ";
}
