package gatus_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"netmon/console/migrate/gatus"
	"netmon/console/migrate/migratetest"
)

// TestConditions carries conditions of Gatus' README one by one.
func TestConditions(t *testing.T) {
	const every = `"status":"100-599"`
	for condition, want := range map[string]string{ // within expect; a word alone is what is lost
		"[STATUS] == 200":                `"status":"200"`,
		"200 == [STATUS]":                `"status":"200"`,
		"[STATUS] < 300":                 `"status":"100-299"`,
		"400 < [STATUS]":                 `"status":"401-599"`,
		"[STATUS] != 200":                `"status":"100-199,201-599"`,
		"[STATUS] == any(200, 429)":      `"status":"200,429"`,
		"[STATUS] == pat(2*)":            `"status":"200-299"`,
		"[CONNECTED] == true":            every,
		"[CERTIFICATE_EXPIRATION] > 48h": `"days_left":2,` + every,
		"[BODY] == 1":                    `"body_regex":"^1$",` + every,
		"[BODY] == pat(*<h1>Hi</h1>*)":   `"body_contains":["\u003ch1\u003eHi\u003c/h1\u003e"],` + every,
		"[BODY] != pat(*error*)":         `"body_not_regex":"error",` + every,
		"[BODY].user.name == john":       `"json":[{"equals":"john","path":"$.user.name"}],` + every,
		"[BODY].data[0].id == 1":         `"json":[{"path":"$.data[0].id","regex":"^1$"}],` + every,
		"[BODY][1].a-b == true":          `"json":[{"path":"$[1][\"a-b\"]","regex":"^true$"}],` + every,
		"[BODY].name == pat(john*)":      `"json":[{"path":"$.name","regex":"(?s)^john.*$"}],` + every,
		"[BODY].id == any(1, 2)":         `"json":[{"path":"$.id","regex":"^(?:1|2)$"}],` + every,
		"[BODY].age >= 18":               `"json":[{"min":18,"path":"$.age"}],` + every,
		"[BODY].age > 18":                `"json":[{"min":19,"path":"$.age"}],` + every,
		"has([BODY].errors) == false":    `"json":[{"exists":false,"path":"$.errors"}],` + every,
		"len([BODY]) > 0":                `"min_bytes":1,` + every,
		"len([BODY].data) < 5":           "lengths",
		"[BODY].age == [BODY].id":        "no other part",
		"[BODY].name != john":            "not what is not",
		"[IP] == 127.0.0.1":              "[IP]",
		"[DOMAIN_EXPIRATION] > 720h":     "until when",
		"[STATUS] === 200":               "no operator",
		"[RESPONSE_TIME] > 5":            "within",
		"[BODY].price == ${PRICE}":       "${PRICE}",
	} {
		text, err := json.Marshal(map[string]any{"endpoints": []any{map[string]any{"name": "x", "url": "https://example.com/", "conditions": []string{condition}}}})
		if err != nil {
			t.Fatal(err)
		}
		m := migratetest.One(t, gatus.Source(), string(text), "x")
		if !strings.HasPrefix(want, `"`) {
			if len(m.Lost) != 1 || !strings.Contains(m.Lost[0], want) {
				t.Errorf("%s: lost %q, want %q", condition, m.Lost, want)
			}
			continue
		}
		if got := string(m.Options); len(m.Lost) > 0 || got != fmt.Sprintf(`{"expect":{%s}}`, want) {
			t.Errorf("%s: got %s (lost %q), want %s", condition, got, m.Lost, want)
		}
	}
}

// TestReferences: what is in a file becomes no reference of netmon's but to Gatus's variables.
func TestReferences(t *testing.T) {
	const file = `endpoints: [{name: x, url: "https://example.com/", body: "$A ${file:/etc/shadow}", headers: {X-A: "${A} $${env:HOME}", X-B: "${file:/etc/shadow}", X-C: "a ${B}", X-D: "$$5"}}]`
	m := migratetest.One(t, gatus.Source(), file, "x")
	want := `{"body":"${env:NETMON_SECRET_X_BODY}","expect":{"status":"100-599"},"headers":{"X-A":"${env:NETMON_SECRET_X_X_A}","X-B":"${env:NETMON_SECRET_X_X_B}","X-C":"a ${env:NETMON_SECRET_B}","X-D":"$5"}}`
	if got := string(m.Options); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
