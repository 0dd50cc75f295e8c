package wire

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestQuorum_Forms(t *testing.T) {
	for _, c := range []struct {
		json string
		want Quorum
		word string
	}{
		{`"majority"`, Quorum{Kind: QuorumMajority}, "majority"},
		{`"any"`, Quorum{Kind: QuorumAny}, "any"},
		{`"all"`, Quorum{Kind: QuorumAll}, "all"},
		{`2`, Quorum{Kind: QuorumNumber, N: 2}, "2"},
		{`"60%"`, Quorum{Kind: QuorumPercent, N: 60}, "60%"},
		{`{"distinct":"region","n":2}`, Quorum{Kind: QuorumDistinct, Label: "region", N: 2}, "region:2"},
	} {
		var q, back Quorum
		if err := json.Unmarshal([]byte(c.json), &q); err != nil || q != c.want {
			t.Errorf("%s is %+v (%v), want %+v", c.json, q, err, c.want)
		}
		if out, err := json.Marshal(q); err != nil || string(out) != c.json {
			t.Errorf("%+v is written %s (%v), want %s", q, out, err, c.json)
		}
		if parsed, err := ParseQuorum(c.word); err != nil || parsed != c.want || q.String() != c.word {
			t.Errorf("%q is %+v (%v), want %+v; written %q", c.word, parsed, err, c.want, q)
		}
		if err := json.Unmarshal([]byte("null"), &back); err != nil || back != (Quorum{}) {
			t.Errorf("null is %+v (%v)", back, err)
		}
	}
	for _, in := range []string{`0`, `-1`, `"0%"`, `"101%"`, `"most"`, `""`, `1.5`, `{"distinct":"region"}`, `{"distinct":"","n":2}`, `{"distinct":"region","n":2,"of":3}`, `[]`, `true`} {
		var q Quorum
		if err := json.Unmarshal([]byte(in), &q); err == nil {
			t.Errorf("%s is taken as %+v", in, q)
		}
	}
}

func TestQuorum_Need(t *testing.T) {
	for _, c := range []struct {
		quorum string
		able   int
		want   int
	}{
		{"majority", 0, 1}, {"majority", 1, 1}, {"majority", 2, 2}, {"majority", 3, 2}, {"majority", 4, 3},
		{"any", 5, 1}, {"all", 5, 5}, {"all", 0, 1}, {"2", 5, 2}, {"2", 1, 2},
		{"60%", 5, 3}, {"60%", 4, 3}, {"60%", 1, 1}, {"60%", 0, 1}, {"100%", 3, 3}, {"region:2", 9, 2},
	} {
		q, err := ParseQuorum(c.quorum)
		if err != nil {
			t.Fatal(err)
		}
		if got := q.Need(c.able); got != c.want {
			t.Errorf("%s of %d: %d, want %d", c.quorum, c.able, got, c.want)
		}
	}
	if got := (Quorum{}).Need(3); got != 2 {
		t.Errorf("the default of 3: %d, want 2", got)
	}
}

func TestRule_Mistakes(t *testing.T) {
	var s Saved
	err := DecodeStrict([]byte(`{"name":"web","kind":"tcp","target":"h:1","verdict":{"quorum":"most","down":"3/2","up":-1,"crosscheck":"maybe","quorums":1},"depends_on":["a","a","web","b.c"]}`), &s)
	all := []string{}
	if err != nil {
		all = strings.Split(err.Error(), "\n")
	}
	if err := s.Validate(); err != nil {
		all = append(all, strings.Split(err.Error(), "\n")...)
	}
	got := strings.Join(all, "\n")
	for _, want := range []string{
		`verdict.quorum: want majority, any, all, a number such as 2, a percentage such as 60%, or {distinct: LABEL, n: NUMBER}, got "most"`,
		`verdict.down: want BAD/RUNS such as 2/3, of at most 20 runs, got "3/2"`,
		`verdict.up: want 1 to 20 good runs in a row, got -1`,
		`verdict.crosscheck: want off or 1 to 20 agents, got "maybe"`,
		`verdict.quorums: unknown field "quorums"`,
		`depends_on[1]: "a" is listed twice`,
		`depends_on[2]: "web" cannot depend on itself`,
		`depends_on[3]: `,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("missing %q in\n%s", want, got)
		}
	}
}

func TestRule_Defaults(t *testing.T) {
	var s Saved
	if err := DecodeStrict([]byte(`{"name":"web","kind":"tcp","target":"h:1","verdict":{"crosscheck":"off"}}`), &s); err != nil {
		t.Fatal(err)
	}
	r := s.Rule()
	if r.Quorum.String() != "majority" || r.Down != DefaultDown || r.Up != DefaultUp || *r.Crosscheck != 0 {
		t.Errorf("%+v", r)
	}
	if d := *(&Saved{}).Rule().Crosscheck; d != DefaultCrosscheck {
		t.Errorf("crosscheck is %d without a rule, want %d", d, DefaultCrosscheck)
	}
}

func TestDecodeVerdict_BelongsToItsSubject(t *testing.T) {
	if _, err := DecodeVerdict("verdicts.db", []byte(`{"monitor":"web"}`)); err == nil || !strings.Contains(err.Error(), "it says it belongs on verdicts.web") {
		t.Errorf("%v", err)
	}
	if _, err := DecodeAgentVerdict("verdicts.agent.paris", []byte(`{"agent":"tokyo"}`)); err == nil || !strings.Contains(err.Error(), "it says it belongs on verdicts.agent.tokyo") {
		t.Errorf("%v", err)
	}
	// A monitor may be called agent.
	if !IsMonitorVerdict("verdicts.agent") || IsAgentVerdict("verdicts.agent") || IsMonitorVerdict("verdicts.agent.paris") || !IsAgentVerdict("verdicts.agent.paris") {
		t.Error("a monitor called agent is mixed up with the verdicts on agents")
	}
}

func FuzzVerdict(f *testing.F) {
	fuzzDecoder(f, "verdict*.json", func(b []byte) (Verdict, error) {
		var v Verdict
		if err := json.Unmarshal(b, &v); err != nil {
			return v, err
		}
		return DecodeVerdict("verdicts."+v.Monitor, b)
	})
}

func FuzzQuorum(f *testing.F) {
	f.Add(`"60%"`)
	f.Add(`{"distinct":"region","n":2}`)
	f.Fuzz(func(t *testing.T, text string) {
		var q, back Quorum
		if json.Unmarshal([]byte(text), &q) != nil || q == (Quorum{}) {
			return
		}
		out, err := json.Marshal(q)
		if err != nil || json.Unmarshal(out, &back) != nil || back != q {
			t.Errorf("%q is %+v, prints as %s and is then %+v", text, q, out, back)
		}
	})
}
