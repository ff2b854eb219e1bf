//! Bookings that may not overlap: days and moments, with and without an end, at once, and out of the trash.

use serde_json::{Value, json};

use crate::{both, site::{Database, Person, Site, pack, violations}};

both!(days_of_a_place_do_not_overlap, only_bookings_count_and_the_other_is_named, two_who_book_at_once);

async fn site(database: Database) -> Site {
    Site::of(database, ["builtin-modules/base", "builtin-modules/sales", "builtin-modules/service", "builtin-modules/office", "tests/packs/visits"].map(pack).to_vec()).await
}

fn stand(place: &str, first: &str, last: Option<&str>) -> Value {
    json!({"place": place, "first": first, "last": last})
}

#[track_caller]
fn overlap(problem: &Value, path: &str) -> String {
    assert_eq!(violations(problem), [format!("{path} overlap")], "{problem}");
    problem["violations"][0]["message"].as_str().expect("words").to_owned()
}

async fn days_of_a_place_do_not_overlap(database: Database) {
    let site = site(database).await;
    let mo = site.person("mo", &["manager"]).await;
    let first = mo.make("stand", stand("A1", "2026-05-04", Some("2026-05-08"))).await;
    for (from, to) in [("2026-05-08", Some("2026-05-09")), ("2026-05-01", Some("2026-05-04")), ("2026-05-05", Some("2026-05-06")), ("2026-05-01", Some("2026-05-31")), ("2026-05-01", None)] {
        let problem = mo.post("/records/stand", stand("A1", from, to)).await.refused(422, "invalid");
        assert!(overlap(&problem, "first").contains("A1"), "{problem}");
    }
    mo.make("stand", stand("A2", "2026-05-05", None)).await;
    let next = mo.make("stand", stand("A1", "2026-05-09", Some("2026-05-10"))).await;
    overlap(&mo.patch(&format!("/records/stand/{next}"), json!({"first": "2026-05-08"})).await.refused(422, "invalid"), "first");
    overlap(&mo.patch(&format!("/records/stand/{next}"), json!({"place": "A2"})).await.refused(422, "invalid"), "first");
    mo.patch(&format!("/records/stand/{first}"), json!({"last": "2026-05-07"})).await.ok(200);
    mo.patch(&format!("/records/stand/{next}"), json!({"first": "2026-05-08"})).await.ok(200);
    // Out of the trash only while nobody else is there.
    mo.delete(&format!("/records/stand/{next}")).await.ok(204);
    let instead = mo.make("stand", stand("A1", "2026-05-08", Some("2026-05-08"))).await;
    let problem = mo.post(&format!("/records/stand/{next}/restore"), json!({})).await.refused(409, "value_taken");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("A1")), "{problem}");
    mo.delete(&format!("/records/stand/{instead}")).await.ok(204);
    mo.post(&format!("/records/stand/{next}/restore"), json!({})).await.ok(200);
    // Several at once are looked at one after the other.
    let items = json!([{"op": "create", "record": stand("B", "2026-01-01", None)}, {"op": "create", "record": stand("B", "2026-02-01", None)}]);
    let answer = mo.post("/records/stand/batch", json!({"items": items})).await.ok(200);
    assert_eq!((&answer["data"][0]["status"], &answer["data"][1]["status"]), (&json!(201), &json!(422)), "{answer}");
}

async fn only_bookings_count_and_the_other_is_named(database: Database) {
    let site = site(database).await;
    let root = site.person("root", &["administrator"]).await;
    let (an, bo) = (site.person("an", &["sales"]).await, site.person("bo", &["sales"]).await);
    let vehicle = root.make("vehicle", json!({"plate": "A-1", "name": "Van"})).await;
    for (person, code) in [(&an, "E1"), (&bo, "E2")] {
        root.make("employee", json!({"code": code, "name": code, "user": person.id})).await;
    }
    let ride = |from: &str, to: &str| json!({"vehicle": vehicle, "purpose": "Fair", "starts": format!("2026-12-01T{from}:00Z"), "ends": format!("2026-12-01T{to}:00Z")});
    let submit = async |person: &Person, id: &str| person.post(&format!("/records/vehicle_use/{id}/transitions/submit"), json!({})).await;
    let first = an.make("vehicle_use", ride("08:00", "12:00")).await;
    let second = bo.make("vehicle_use", ride("11:00", "14:00")).await;
    submit(&an, &first).await.ok(202);
    let told = overlap(&submit(&bo, &second).await.refused(422, "invalid"), "starts");
    assert!(told.contains("another booking") && !told.contains("Fair"), "who may not see it is not told what it is: {told}");
    let employee = an.read("vehicle_use", &first).await["employee"]["id"].clone();
    let mut third = ride("10:00", "11:00");
    third["employee"] = employee;
    let third = root.make("vehicle_use", third).await;
    let told = overlap(&submit(&root, &third).await.refused(422, "invalid"), "starts");
    assert!(told.contains("A-1") && told.contains("Fair"), "{told}");
    bo.patch(&format!("/records/vehicle_use/{second}"), json!({"starts": "2026-12-01T12:00:00Z"})).await.ok(200);
    submit(&bo, &second).await.ok(202);
}

async fn two_who_book_at_once(database: Database) {
    let site = site(database).await;
    let (mo, al) = (site.person("mo", &["manager"]).await, site.person("al", &["manager"]).await);
    for place in ["C1", "C2", "C3"] {
        let (one, two) = tokio::join!(mo.post("/records/stand", stand(place, "2026-05-04", None)), al.post("/records/stand", stand(place, "2026-05-05", None)));
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 422], "{} {}", one.text, two.text);
    }
}
