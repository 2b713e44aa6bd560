//! Checklist 9: address lists and time.

use std::time::Duration;

use crate::wire::{Client, prepared};

const LIST: &str = "/ip/firewall/address-list";

#[tokio::test]
async fn an_entry_with_a_timeout_is_dynamic_and_goes_at_zero() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::daily(&sim).await;
    client
        .say(&format!(
            "{LIST}/add =list=p =address=10.8.0.4 =timeout=10m =comment=x"
        ))
        .await
        .ret();
    let row = client
        .say(&format!("{LIST}/print ?list=p"))
        .await
        .rows
        .remove(0);
    assert_eq!(
        (
            row["timeout"].as_str(),
            row["dynamic"].as_str(),
            row["comment"].as_str()
        ),
        ("10m", "true", "x")
    );
    assert!(row.contains_key("creation-time"));
    sim.advance(Duration::from_millis(599_500));
    assert_eq!(
        client.say(&format!("{LIST}/print ?list=p")).await.rows[0]["timeout"],
        "1s"
    );
    sim.advance(Duration::from_millis(500));
    assert!(
        client
            .say(&format!("{LIST}/print ?list=p"))
            .await
            .rows
            .is_empty()
    );
}

#[tokio::test]
async fn an_entry_without_one_stays() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::daily(&sim).await;
    client
        .say(&format!("{LIST}/add =list=p =address=10.8.0.4"))
        .await
        .ret();
    client
        .say(&format!("{LIST}/add =list=p =address=10.8.0.5 =timeout=0s"))
        .await
        .ret();
    sim.advance(Duration::from_secs(1_000_000_000));
    let rows = client.say(&format!("{LIST}/print ?list=p")).await;
    assert_eq!(
        (rows.all("dynamic"), rows.all("timeout")),
        (vec!["false", "false"], vec!["", ""])
    );
}

#[tokio::test]
async fn a_reboot_takes_dynamic_entries_and_leaves_static_ones() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::daily(&sim).await;
    client
        .say(&format!("{LIST}/add =list=p =address=10.8.0.4"))
        .await
        .ret();
    client
        .say(&format!("{LIST}/add =list=p =address=10.8.0.5 =timeout=1d"))
        .await
        .ret();
    sim.reboot();
    assert!(client.receive().await.is_none());
    let mut client = Client::daily(&sim).await;
    assert_eq!(
        client
            .say(&format!("{LIST}/print ?list=p"))
            .await
            .all("address"),
        ["10.8.0.4"]
    );
    assert_eq!(
        client.say("/system/resource/print").await.rows[0]["uptime"],
        "0s"
    );
    sim.advance(Duration::from_secs(61));
    assert_eq!(
        client.say("/system/resource/print").await.rows[0]["uptime"],
        "1m1s"
    );
}

#[tokio::test]
async fn a_timeout_can_be_renewed() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::daily(&sim).await;
    let first = client
        .say(&format!(
            "{LIST}/add =list=p =address=10.8.0.4 =timeout=10m"
        ))
        .await
        .ret()
        .to_owned();
    let second = client
        .say(&format!(
            "{LIST}/add =list=p =address=10.8.0.5 =timeout=10m"
        ))
        .await
        .ret()
        .to_owned();
    sim.advance(Duration::from_secs(300));
    client
        .say(&format!("{LIST}/set =.id={first},{second} =timeout=10m"))
        .await
        .ok();
    sim.advance(Duration::from_secs(599));
    assert_eq!(
        client
            .say(&format!("{LIST}/print ?list=p"))
            .await
            .all("timeout"),
        ["1s", "1s"]
    );
    sim.set_quirks(|quirks| quirks.timeout_can_be_set = false);
    assert!(
        client
            .say(&format!("{LIST}/set =.id={first} =timeout=10m"))
            .await
            .trap()
            .starts_with("failure: ")
    );
    sim.advance(Duration::from_secs(1));
    assert_eq!(
        client
            .say(&format!("{LIST}/set =.id={first} =timeout=10m"))
            .await
            .trap(),
        "no such item"
    );
}

#[tokio::test]
async fn addresses_are_kept_in_their_normal_form() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::daily(&sim).await;
    for (given, kept) in [
        ("10.8.0.4/32", "10.8.0.4"),
        ("10.9.0.7/24", "10.9.0.0/24"),
        ("10.1.0.0-10.1.0.255", "10.1.0.0/24"),
        ("10.1.1.1-10.1.1.9", "10.1.1.1-10.1.1.9"),
        ("office.example", "office.example"),
    ] {
        let id = client
            .say(&format!("{LIST}/add =list=p =address={given}"))
            .await
            .ret()
            .to_owned();
        assert_eq!(
            client.say(&format!("{LIST}/print ?.id={id}")).await.rows[0]["address"],
            kept
        );
    }
    let v6 = "/ipv6/firewall/address-list";
    for (given, kept) in [("fd00::4", "fd00::4/128"), ("fd00::/64", "fd00::/64")] {
        let id = client
            .say(&format!("{v6}/add =list=p =address={given}"))
            .await
            .ret()
            .to_owned();
        assert_eq!(
            client.say(&format!("{v6}/print ?.id={id}")).await.rows[0]["address"],
            kept
        );
    }
    assert_eq!(
        client
            .say(&format!("{v6}/add =list=p =address=fd00::4/128"))
            .await
            .trap(),
        "failure: already have such entry"
    );
}

#[tokio::test]
async fn one_entry_among_many_is_found_by_list_and_address() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::daily(&sim).await;
    for last in 1..=200 {
        client
            .say(&format!("{LIST}/add =list=block =address=10.77.0.{last}"))
            .await
            .ret();
    }
    let found = client
        .say(&format!(
            "{LIST}/print =.proplist=.id ?list=block ?address=10.77.0.150"
        ))
        .await;
    assert_eq!(found.rows.len(), 1);
    let id = &found.rows[0][".id"];
    client.say(&format!("{LIST}/remove =.id={id}")).await.ok();
    assert_eq!(
        client.say(&format!("{LIST}/remove =.id={id}")).await.trap(),
        "no such item"
    );
}
