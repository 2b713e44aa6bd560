//! Checklist 4 and 5: reading and writing.

use mikro2fa_router::simulator::Simulator;

use crate::wire::{Client, prepared};

async fn router() -> (Simulator, Client) {
    let sim = prepared().start().await.unwrap();
    let client = Client::admin(&sim).await;
    (sim, client)
}

#[tokio::test]
async fn a_print_has_an_id_and_only_what_is_set() {
    let (_sim, mut client) = router().await;
    let ann = client
        .say("/ppp/secret/getall ?name=ann")
        .await
        .rows
        .remove(0);
    assert!(ann[".id"].starts_with('*'));
    assert_eq!(
        (
            ann["service"].as_str(),
            ann["caller-id"].as_str(),
            ann["disabled"].as_str()
        ),
        ("any", "", "false")
    );
    assert!(!ann.contains_key("comment") && !ann.contains_key("remote-address"));
}

#[tokio::test]
async fn proplist_gives_what_is_named_and_nothing_else() {
    let (_sim, mut client) = router().await;
    let rows = client
        .say("/ppp/secret/print =.proplist=name,disabled,nonsense,comment ?name=ann")
        .await
        .rows;
    assert_eq!(rows[0].keys().collect::<Vec<_>>(), ["disabled", "name"]);
    let rows = client
        .say("/ppp/secret/print =.proplist=comment")
        .await
        .rows;
    assert!(rows.len() == 3 && rows.iter().all(std::collections::BTreeMap::is_empty));
    let rows = client
        .say("/ppp/secret/print =.proplist=.id ?name=ann")
        .await
        .rows;
    assert_eq!(rows[0].keys().collect::<Vec<_>>(), [".id"]);
}

#[tokio::test]
async fn queries_are_a_stack_machine() {
    let (_sim, mut client) = router().await;
    for (words, expected) in [
        ("?name=ann", &["ann"][..]),
        ("?name=ann ?name=bob ?#|", &["ann", "bob"]),
        ("?name=ann ?#!", &["bob", "site"]),
        ("?name=ann ?name=bob", &[]),
        ("?-comment", &["ann", "bob", "site"]),
        ("?comment=", &[]),
        ("?comment", &[]),
        ("?profile=mikro2fa-vpn ?name=bob ?#&!", &["ann", "site"]),
        ("?nonsense=1", &[]),
    ] {
        let answer = client
            .say(&format!("/ppp/secret/print =.proplist=name {words}"))
            .await;
        assert_eq!(answer.all("name"), expected, "{words}");
    }
    assert_eq!(
        client
            .say("/ppp/secret/print =count-only= ?name=ann ?name=bob ?#|")
            .await
            .ret(),
        "2"
    );
}

#[tokio::test]
async fn a_menu_of_one_record_has_no_id_and_needs_none() {
    let (_sim, mut client) = router().await;
    client.say("/system/identity/set =name=office").await.ok();
    let rows = client.say("/system/identity/print").await.rows;
    assert_eq!(rows.len(), 1);
    assert_eq!(
        rows[0].iter().collect::<Vec<_>>(),
        [(&"name".to_owned(), &"office".to_owned())]
    );
    assert_eq!(
        client.say("/system/identity/remove").await.trap(),
        "no such command"
    );
}

#[tokio::test]
async fn add_says_the_new_id_and_ids_are_not_used_again() {
    let (_sim, mut client) = router().await;
    let first = client
        .say("/ppp/secret/add =name=eve =password=x =service=l2tp")
        .await
        .ret()
        .to_owned();
    assert!(
        first[1..]
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()),
        "{first}"
    );
    client
        .say(&format!("/ppp/secret/remove =.id={first}"))
        .await
        .ok();
    assert_ne!(client.say("/ppp/secret/add =name=eve").await.ret(), first);
}

#[tokio::test]
async fn duplicates_are_refused_in_the_words_of_each_menu() {
    let (_sim, mut client) = router().await;
    client
        .say("/ip/firewall/address-list/add =list=x =address=10.0.0.1")
        .await
        .ret();
    for (words, text) in [
        (
            "/ppp/secret/add =name=ann",
            "failure: secret with the same name already exists",
        ),
        (
            "/ip/firewall/address-list/add =list=x =address=10.0.0.1/32 =timeout=1m",
            "failure: already have such entry",
        ),
        (
            "/user/add =name=admin =group=full",
            "failure: user with the same name already exists",
        ),
        ("/queue/simple/add =name=q =target=10.0.0.1", ""),
        (
            "/queue/simple/add =name=q =target=10.0.0.1",
            "failure: already have such name",
        ),
        (
            "/ip/address/add =address=192.168.88.1/24 =interface=bridge",
            "failure: already have such address",
        ),
    ] {
        let answer = client.say(words).await;
        if text.is_empty() {
            answer.ret();
        } else {
            assert_eq!(answer.trap(), text, "{words}");
        }
    }
    let bob = client.say("/ppp/secret/set =.id=bob =name=ann").await;
    assert_eq!(
        bob.trap(),
        "failure: secret with the same name already exists"
    );
    client.say("/ppp/secret/set =.id=bob =name=bob").await.ok();
}

#[tokio::test]
async fn wrong_values_are_refused_and_change_nothing() {
    let (_sim, mut client) = router().await;
    for (words, text) in [
        (
            "/ppp/secret/add =password=x",
            "missing value(s) of argument(s) name",
        ),
        (
            "/ppp/secret/add =name=x =profile=none",
            "input does not match any value of profile",
        ),
        (
            "/ppp/secret/add =name=x =service=ftp",
            "input does not match any value of service",
        ),
        (
            "/ppp/secret/add =name=x =service=",
            "ambiguous value of service, more than one possible value matches input",
        ),
        (
            "/ppp/secret/add =name=x =service=p",
            "ambiguous value of service, more than one possible value matches input",
        ),
        (
            "/ppp/secret/add =name=x =disabled=maybe",
            "input does not match any value of disabled",
        ),
        (
            "/ppp/secret/add =name=x =limit-bytes-in=many",
            "invalid value for argument limit-bytes-in",
        ),
        (
            "/ppp/secret/add =name=x =remote-address=",
            "ambiguous value of remote-address, more than one possible value matches input",
        ),
        (
            "/ppp/secret/add =name=x =last-logged-out=now",
            "unknown parameter last-logged-out",
        ),
        (
            "/ip/firewall/address-list/add =list=x =address=10.0.0.1 =timeout=soon",
            "invalid value for argument timeout",
        ),
        (
            "/ip/firewall/address-list/add =list=x =address=10.0.0.1 =timeout=36w",
            "invalid value for argument timeout",
        ),
        (
            "/ip/firewall/address-list/add =list=x =address=fd00::1",
            "invalid value for argument address",
        ),
        (
            "/ip/firewall/filter/add =chain=forward =src-address=house",
            "invalid value for argument src-address",
        ),
        (
            "/ip/firewall/filter/add =chain=forward =in-interface=ether9",
            "input does not match any value of in-interface",
        ),
        (
            "/ip/firewall/filter/add =chain=forward =in-interface-list=!none-such",
            "input does not match any value of in-interface-list",
        ),
        ("/ppp/secret/set =disabled=yes", "missing =.id="),
        ("/ppp/secret/set =.id=*999 =disabled=yes", "no such item"),
        ("/ppp/secret/set =.id=nobody =disabled=yes", "no such item"),
    ] {
        assert_eq!(client.say(words).await.trap(), text, "{words}");
    }
    assert_eq!(
        client.say("/ppp/secret/print =count-only=").await.ret(),
        "3"
    );
}

#[tokio::test]
async fn words_may_be_shortened_while_they_stay_clear() {
    let (_sim, mut client) = router().await;
    client
        .say("/ppp/secret/set =.id=ann =service=l2")
        .await
        .ok();
    assert_eq!(
        client.say("/ppp/secret/print ?name=ann").await.rows[0]["service"],
        "l2tp"
    );
}

#[tokio::test]
async fn rows_are_named_by_id_by_name_or_by_a_list_of_them() {
    let (_sim, mut client) = router().await;
    let ids = client.say("/ppp/secret/print =.proplist=.id").await;
    let list = ids.all(".id").join(",");
    client
        .say(&format!("/ppp/secret/disable =.id={list}"))
        .await
        .ok();
    assert_eq!(
        client
            .say("/ppp/secret/print =count-only= ?disabled=true")
            .await
            .ret(),
        "3"
    );
    client.say("/ppp/secret/enable =numbers=ann,bob").await.ok();
    assert_eq!(
        client
            .say("/ppp/secret/print ?disabled=true")
            .await
            .all("name"),
        ["site"]
    );
    client
        .say("/ppp/secret/set =.id=site =disabled=no =comment=link")
        .await
        .ok();
    client
        .say("/ppp/secret/comment =.id=site =comment=")
        .await
        .ok();
    assert!(
        client
            .say("/ppp/secret/print ?comment")
            .await
            .rows
            .is_empty()
    );
}

#[tokio::test]
async fn a_dead_id_in_a_list_stops_there_or_before_the_first() {
    let (sim, mut client) = router().await;
    let disabled = |sim: &Simulator| {
        sim.rows("/ppp/secret")
            .iter()
            .filter(|row| row["disabled"] == "true")
            .count()
    };
    assert_eq!(
        client
            .say("/ppp/secret/disable =.id=ann,*999,bob")
            .await
            .trap(),
        "no such item"
    );
    assert_eq!(disabled(&sim), 1);
    sim.set_quirks(|quirks| quirks.bulk_stops_midway = false);
    assert_eq!(
        client.say("/ppp/secret/disable =.id=bob,*999").await.trap(),
        "no such item"
    );
    assert_eq!(disabled(&sim), 1);
}

#[tokio::test]
async fn properties_are_unset_in_two_ways() {
    let (_sim, mut client) = router().await;
    client
        .say("/ppp/secret/set =.id=ann =remote-address=10.9.0.1 =routes=10.7.0.0/24")
        .await
        .ok();
    client
        .say("/ppp/secret/set =.id=ann =!remote-address=")
        .await
        .ok();
    client
        .say("/ppp/secret/unset =.id=ann =value-name=routes")
        .await
        .ok();
    let ann = client
        .say("/ppp/secret/print ?name=ann")
        .await
        .rows
        .remove(0);
    assert!(!ann.contains_key("remote-address") && ann["routes"].is_empty());
    assert_eq!(
        client
            .say("/ip/firewall/address-list/unset =.id=*1 =value-name=comment")
            .await
            .trap(),
        "no such command"
    );
}

#[tokio::test]
async fn copies_take_what_can_be_set() {
    let (_sim, mut client) = router().await;
    client
        .say("/ppp/profile/add =copy-from=default-encryption =name=mine =comment=copy")
        .await
        .ret();
    let mine = client
        .say("/ppp/profile/print ?name=mine")
        .await
        .rows
        .remove(0);
    assert_eq!(
        (mine["use-encryption"].as_str(), mine["default"].as_str()),
        ("yes", "false")
    );
    assert_eq!(
        client.say("/ppp/profile/remove =.id=default").await.trap(),
        "failure: can not remove default profile"
    );
}

#[tokio::test]
async fn rules_are_ordered() {
    let (_sim, mut client) = router().await;
    let add = |place: &str, comment: &str| {
        format!("/ip/firewall/filter/add =chain=own =comment={comment}{place}")
    };
    let a = client.say(&add("", "a")).await.ret().to_owned();
    let b = client.say(&add("", "b")).await.ret().to_owned();
    client
        .say(&add(&format!(" =place-before={a}"), "c"))
        .await
        .ret();
    assert_eq!(
        client
            .say("/ip/firewall/filter/print ?chain=own")
            .await
            .all("comment"),
        ["c", "a", "b"]
    );
    client
        .say(&format!(
            "/ip/firewall/filter/move =numbers={b} =destination={a}"
        ))
        .await
        .ok();
    assert_eq!(
        client
            .say("/ip/firewall/filter/print ?chain=own")
            .await
            .all("comment"),
        ["c", "b", "a"]
    );
    client
        .say(&format!("/ip/firewall/filter/move =numbers={b}"))
        .await
        .ok();
    assert_eq!(
        client
            .say("/ip/firewall/filter/print ?chain=own")
            .await
            .all("comment"),
        ["c", "a", "b"]
    );
}

#[tokio::test]
async fn rows_of_the_router_itself_are_left_alone() {
    let (sim, mut client) = router().await;
    let dummy = client
        .say("/ip/firewall/filter/print ?dynamic=true")
        .await
        .rows
        .remove(0);
    assert_eq!(
        dummy["comment"],
        "special dummy rule to show fasttrack counters"
    );
    let id = &dummy[".id"];
    for words in [
        format!("/ip/firewall/filter/set =.id={id} =action=drop"),
        format!("/ip/firewall/filter/remove =.id={id}"),
        format!("/ip/firewall/filter/add =chain=forward =action=drop =place-before={id}"),
    ] {
        assert!(
            client
                .say(&words)
                .await
                .trap()
                .starts_with("failure: can not"),
            "{words}"
        );
    }
    sim.set_quirks(|quirks| quirks.place_before_dynamic = true);
    client
        .say(&format!(
            "/ip/firewall/filter/add =chain=forward =action=drop =place-before={id}"
        ))
        .await
        .ret();

    for rule in client
        .say("/ip/firewall/filter/print ?action=fasttrack-connection")
        .await
        .all(".id")
    {
        client
            .say(&format!("/ip/firewall/filter/disable =.id={rule}"))
            .await
            .ok();
    }
    assert!(
        client
            .say("/ip/firewall/filter/print ?dynamic=true")
            .await
            .rows
            .is_empty()
    );
}

#[tokio::test]
async fn the_last_full_user_stays_and_nobody_disables_themselves() {
    let (_sim, mut client) = router().await;
    let refused = client.say("/user/remove =.id=admin").await;
    assert_eq!(
        refused.trap(),
        "failure: can not remove last user with full permissions"
    );
    client.say("/user/disable =.id=admin").await.ok();
    assert_eq!(
        client.say("/user/print ?name=admin").await.rows[0]["disabled"],
        "false"
    );
}

#[tokio::test]
async fn find_and_get() {
    let (_sim, mut client) = router().await;
    let found = client.say("/ppp/secret/find").await;
    let ids: Vec<String> = found.ret().split(';').map(str::to_owned).collect();
    assert_eq!(ids.len(), 3);
    assert_eq!(
        client
            .say(&format!("/ppp/secret/get =.id={} =value-name=name", ids[1]))
            .await
            .ret(),
        "bob"
    );
    assert_eq!(
        client
            .say("/system/identity/get =value-name=name")
            .await
            .ret(),
        "MikroTik"
    );
}

#[tokio::test]
async fn everything_received_is_noted_without_values() {
    let (sim, mut client) = router().await;
    sim.clear_commands();
    client
        .say("/ppp/secret/add =name=eve =password=hunter2 .tag=1")
        .await;
    client
        .say("/ppp/secret/print =.proplist=.id,name ?name=eve ?-comment")
        .await;
    let log = sim.commands();
    assert_eq!(
        (log[0].command.as_str(), &log[0].attributes[..]),
        (
            "/ppp/secret/add",
            &["name".to_owned(), "password".to_owned()][..]
        )
    );
    assert!(
        log[0].tagged && log[0].user == "admin" && log[0].bytes_in > 40 && log[0].bytes_out > 5
    );
    assert_eq!(
        (log[1].rows, &log[1].proplist[..], &log[1].queries[..]),
        (
            1,
            &[".id".to_owned(), "name".to_owned()][..],
            &["name".to_owned(), "comment".to_owned()][..]
        )
    );
    assert!(!format!("{log:?}").contains("hunter2"));
    assert_eq!(sim.totals().commands, 2);
    let seen = sim.commands_seen();
    assert!(seen["/ppp/secret/add"].attributes.contains("password"));
    assert!(seen["/ppp/secret/print"].proplist.contains(".id"));
}
