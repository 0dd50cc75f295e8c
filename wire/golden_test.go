package wire

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite testdata and the tables of subjects.md")

// samples holds one of each message, as the mesh sends it. The golden files
// testdata/NAME.json show them; subjects.md takes its examples from there.
func samples() map[string]any {
	at := time.Date(2026, 11, 24, 11, 37, 34, 735225151, time.UTC)
	certEnd := time.Date(2027, 1, 31, 23, 59, 59, 0, time.UTC)
	latency, loss := int64(265521), 0.2
	web := Monitor{Name: "web", Kind: "https", Target: "https://example.org/", Every: Duration(10 * time.Second), Timeout: Duration(2500 * time.Millisecond),
		Options: json.RawMessage(`{"expect":{"status":[200]}}`), Revision: 41}
	ok := Result{
		Agent: "paris", Monitor: "db", Kind: "tcp", Target: "db.example.org:5432",
		Epoch: "E6TGUCZCDN434QQK", Seq: 4711, Run: 2, Due: at, Started: at.Add(193186), ElapsedNS: 375685,
		LatencyNS: &latency, Clock: "user", Outcome: OK, Summary: "connected", Address: "192.0.2.7", Revision: 41,
		Details: json.RawMessage(`{"connect_ns":265521}`),
	}
	failed := ok
	failed.Monitor, failed.Kind, failed.Target, failed.Seq, failed.Run = "web", "https", "https://example.org/", 4712, 360
	failed.Outcome, failed.Failure, failed.Error = Failed, FailMismatch, "status: want 200, got 503"
	failed.Unmet = []Unmet{{Expect: "status", Want: "200", Got: "503"}}
	failed.Summary, failed.CertExpires, failed.Loss = "503 Service Unavailable, HTTP/2", &certEnd, &loss
	failed.LateNS, failed.Skipped, failed.Covers, failed.Missed, failed.Dropped, failed.Details = 90e9, 3, 2, 60, 17, json.RawMessage(`{"status":503}`)
	failed.Asked = "K3D7NQZJ5M2TQW6Z"
	refused := func(agent string, seq int) Evidence {
		return Evidence{Agent: agent, Started: at, Outcome: Failed, Failure: FailRefused, Text: "connect to 192.0.2.7:443: connection refused",
			ID: fmt.Sprintf("%s-E6TGUCZCDN434QQK-%d", agent, seq), Asked: agent != "paris"}
	}
	probed := Result{
		Agent: "paris", Monitor: "probe", Kind: "tcp", Target: "127.0.0.1:1", Started: at, ElapsedNS: 316251,
		Outcome: Failed, Failure: FailRefused, Error: "connect to 127.0.0.1:1: connection refused", Address: "127.0.0.1",
	}
	alive := Alive{
		Agent: "paris", Instance: "PWIZ32FLTEMOXZH3ORAJMIYCMU", Version: "0.1.0", Host: "web1", Started: at.Add(-time.Hour), At: at, Leaving: true,
		Labels: map[string]string{"region": "eu"}, Kinds: []string{"dns", "https", "tcp"},
		Cannot: map[string]string{"icmp": "no permission to send ICMP"}, Disabled: map[string]string{"exec": "this agent runs no programs"}, Families: []string{"4", "6"},
		Monitors: 5, Manual: 1, Unsaved: 2, Store: "20261124T113730.847607443Z", Revision: 41, Digest: DigestOf(map[string]uint64{"db": 40, "web": 41}),
		Refused: map[string]string{"far": "target: the agent's policy does not allow it: targets.deny[0]"},
		Policy: &Policy{Source: "file", Digest: "266ce8da", Allow: 1, Deny: 2, Kinds: []string{"dns", "https", "tcp"}, MinEvery: Duration(time.Second),
			MaxMonitors: 100, MaxRate: 50, MaxTargetRate: 0.5, Exec: 1},
		Challenge: "4XQZ...", Trust: 1795930654123, Results: 1080, Pending: 12, Dropped: 17, Skipped: 3, Notes: []string{"what runs could not be saved"},
	}
	stale := []Error{{CodeChallenge, "", "it was signed for a challenge that is over: sign it again for the one in this reply"}}
	bad := []Error{{CodeInvalid, "monitors[0].every", `want a number with a unit such as 10s, 200ms or 1d, got "1x"`}}
	out := map[string]any{
		"command-start": Command{Op: OpStart, Store: alive.Store, Revision: 41, Monitors: []Monitor{web}},
		"command-stop":  Command{Op: OpStop, Names: []string{"db", "web"}},
		"command-run":   Command{Op: OpRun, Names: []string{"web"}, Asked: "K3D7NQZJ5M2TQW6Z"},
		"command-sync":  Command{Op: OpSync, Store: alive.Store, Revision: 41, After: "a", Through: "web", Have: map[string]uint64{"db": 40, "web": 41}},
		"command-list":  Command{Op: OpList, After: "db", Limit: 100, Whole: true},
		"command-probe": Command{Op: OpProbe, Monitors: []Monitor{{Name: "probe", Kind: "tcp", Target: "127.0.0.1:1"}}},
		"command-info":  Command{Op: OpInfo, Instance: "K3D7NQZJ5M2TQW6ZD4VYH6XAPB"},
		"reply-start":   Reply{OK: true, Agent: "paris", Monitors: []MonitorReply{{Name: "web", State: Started, Revision: 41, Note: "it ran with other settings"}}},
		"reply-refused": Reply{Agent: "paris", Error: &bad[0], Errors: bad, Monitors: []MonitorReply{{Name: "web", State: Refused, Errors: bad}}},
		"reply-list": Reply{OK: true, Agent: "paris", Next: "db", Monitors: []MonitorReply{{
			Name: "db", State: Running, Kind: "tcp", Target: "db.example.org:5432", Every: Duration(time.Second), Manual: true, By: "anna", Runs: 2, Skipped: 1, Last: OK,
			Store: "20261124T113730.847607443Z", Timeout: Duration(time.Second), Options: json.RawMessage(`{"family":"4"}`)}}},
		"reply-sync":     Reply{OK: true, Agent: "paris", Want: []string{"web"}},
		"reply-probe":    Reply{OK: true, Agent: "paris", Result: &probed},
		"reply-info":     Reply{OK: true, Agent: "paris", Info: &alive},
		"result-ok":      ok,
		"command-rotate": Command{Op: OpRotate},
		"command-trust": Command{Op: OpTrust, Trust: &SignedTrust{Operator: "MIIB...", Signature: "6XyW...",
			Trust: `{"number":1795930654123,"members":[{"key":"UBW3...","name":"anna","role":"operator"}]}`}},
		"trust":                Trust{Number: 1795930654123, Members: []Member{{Key: "UBW3...", Name: "anna", Role: RoleOperator}}, Next: "B5Wy..."},
		"proof":                Proof{Key: "UBW3...", Challenge: "4XQZ...", Nonce: "K3D7...", Signature: "6XyW..."},
		"proof-saved":          Proof{Key: "UBW3...", Store: "20261124T113730.847607443Z", Revision: 41, Signature: "6XyW..."},
		"accepted":             Accepted{By: "anna", Role: RoleOperator, Operator: "MIIB...", Signature: "6XyW..."},
		"reply-challenge":      Reply{Agent: "paris", Error: &stale[0], Errors: stale, Challenge: "4XQZ..."},
		"access-token":         AccessCommand{Op: AccessToken, Name: "paris", Role: RoleAgent, Labels: map[string]string{"region": "eu"}, Expires: Duration(time.Hour)},
		"access-token-uses":    AccessCommand{Op: AccessToken, Name: "eu-hosts", Role: RoleAgent, Labels: map[string]string{"region": "eu"}, Expires: Duration(24 * time.Hour), Uses: 50},
		"access-token-replace": AccessCommand{Op: AccessToken, Name: "paris", Role: RoleAgent, Replace: true},
		"access-resume":        AccessCommand{Op: AccessResume, Name: "paris"},
		"access-forget":        AccessCommand{Op: AccessForget, Name: "paris"},
		"access-list":          AccessCommand{Op: AccessList, After: "oslo"},
		"access-reply": AccessReply{OK: true, Error: &bad[0], Line: "tls://broker.example.org:4222/join/TOKEN/PIN", Hosts: []string{"198.51.100.7"},
			Credential: &Credential{Name: "paris", Role: RoleAgent, JWT: "eyJ0...", Labels: map[string]string{"region": "eu"}, Operator: "MIIB...", Signature: "6XyW..."},
			Identities: []Identity{{Name: "paris", Role: RoleAgent, State: "revoked", Labels: map[string]string{"region": "eu"}, Key: "UBW3...", By: "local",
				Made: at, Expires: at.Add(time.Hour), Joined: at.Add(time.Minute), Revoked: at.Add(time.Hour), Revoker: "anna"},
				{Name: "oslo", Role: RoleAgent, State: "suspended", Key: "UCX5...", By: "anna", Made: at, Joined: at.Add(time.Minute),
					Suspended: at.Add(time.Hour), Until: at.Add(2 * time.Hour), Why: "it stored about 1.6 GiB in 4s"},
				{Name: "eu-hosts", Role: RoleAgent, State: "open", By: "anna", Made: at, Expires: at.Add(24 * time.Hour), Uses: 50, Used: 3},
				{Name: "web1", Role: RoleAgent, State: "joined", Key: "UDZ7...", By: "anna", Made: at, Joined: at, Token: "eu-hosts"}},
			Consumers: []Consumer{{Owner: "vera", Stream: "RESULTS", Name: "tail1", Made: at, Filter: "results.*.web", Pending: 3}}, Next: "paris", Challenge: "4XQZ..."},
		"access-authority-rotate": AccessCommand{Op: AccessAuthorityRotate, Without: []string{"tokyo"}, Missing: true},
		"access-reply-authority": AccessReply{OK: true, Authority: &AuthorityState{Pin: "SNBu...", Made: at, State: AuthorityAnnounced, Next: "B5Wy...", Before: "N5Qn...",
			Began: at.Add(time.Hour), By: "anna", All: 3, Have: 1, Missing: []Missing{{Name: "oslo", Role: RoleAgent}}, Without: []string{"tokyo"}, Lines: 1, Problem: "no space left on device"}},
		"access-reply-takeover": AccessReply{OK: true, Takeover: &NextAuthority{List: SignedTrust{Operator: "MIIB...", Signature: "6XyW...", Trust: `{"number":1795930654123,"members":[],"next":"B5Wy..."}`},
			Authority: "-----BEGIN CERTIFICATE-----...", Credential: &Credential{Name: "paris", Role: RoleAgent, JWT: "eyJ0...", Operator: "MIIB...", Signature: "6XyW..."}}},
		"join-ask":             Join{Key: "UBW3...", Ask: true},
		"join-kept":            Join{Key: "UBW3...", Kept: "B5Wy..."},
		"delegation-open":      Delegation{Op: DelegateOpen, Key: "UABC...", Role: RoleOperator, For: Duration(8 * time.Hour), Of: "http://shop:8080"},
		"delegation-end":       Delegation{Op: DelegateEnd, Key: "UABC..."},
		"access-reply-session": AccessReply{OK: true, Credential: &Credential{Name: "anna", Role: RoleOperator, JWT: "eyJ0...", Until: at.Add(8 * time.Hour), Operator: "MIIB...", Signature: "6XyW..."}},
		"access-reply-sessions": AccessReply{OK: true, Identities: []Identity{{Name: "anna", Role: RoleAdmin, State: "joined", Key: "UBW3...", By: "local", Made: at, Joined: at,
			Sessions: []Session{{Key: "UABC...", Role: RoleOperator, Of: "http://shop:8080", Made: at, Until: at.Add(8 * time.Hour)}}}}},
		"access-consumers-remove": AccessCommand{Op: AccessConsumerRemove, Name: "vera", Consumer: "tail1"},
		"join":                    Join{ID: "9b1c...", Key: "UBW3...", Curve: "XAB2...", As: JoinAgent, Name: "paris", Host: "web1", Proof: "6XyW..."},
		"sealed":                  Sealed{From: "XCD4...", Sealed: "eGt2MQ..."},
		"audit-done":              Audit{At: at, By: "anna", Where: "access", Did: "revoke", What: []string{"paris"}, OK: true},
		"audit":                   Audit{At: at, By: "anna", Where: "paris", Did: "start", What: []string{"web"}, Detail: "tcp 127.0.0.1:22", Error: "target: the agent's policy does not allow it"},
		"result-failed":           failed,
		"verdict": Verdict{Monitor: "web", State: VerdictDown, Was: VerdictUp, Since: at, At: at.Add(time.Second), N: 12, Incident: "web-E6TGUCZCDN434QQK-4712",
			Why: "refused from 3 of 4 agents", Blame: &Blame{Class: BlameTarget, Sure: true, Why: "all that can measure it are refused"},
			Quorum:   VerdictQuorum{Need: 2, Rule: "2", Down: []string{"oregon", "paris", "tokyo"}},
			Evidence: []Evidence{refused("paris", 4712), refused("tokyo", 88)}, Cross: &CrossCheck{Asked: 2, Answered: 2, Bad: 2, TookNS: 31e6}, Revision: 41},
		"verdict-degraded": Verdict{Monitor: "web", State: VerdictDegraded, Was: VerdictUp, Since: at, At: at, N: 13, Incident: "web-E6TGUCZCDN434QQK-5001",
			Why: "paris times out, tokyo is fine", Blame: &Blame{Class: BlamePath, Names: []string{"paris"}, Why: "its other targets are good"},
			Quorum:   VerdictQuorum{Need: 2, Down: []string{"paris"}, Slow: []string{"rome"}, Up: []string{"tokyo"}, Blind: []string{"lima"}, Silent: []string{"oslo"}, Aside: []string{"oregon"}},
			Flapping: true, Frozen: true, Revision: 41},
		"verdict-agent": AgentVerdict{Agent: "paris", Status: AgentAside, Since: at, At: at.Add(time.Second), N: 3, Incident: "agent-paris-1795930654",
			Why: "paris has lost its uplink: 19 monitors are judged without it", Blame: &Blame{Class: BlameUplink, Names: []string{"paris"}, Sure: true, Why: "7 of 8 hosts fail there that others reach"}, Monitors: 19},
		"verdict-mesh": MeshVerdict{Frozen: true, Since: at, At: at.Add(time.Second), N: 2, Why: "no agent was heard since 11:37:34: the broker was away"},
		"placement": Placement{Monitor: "web", Revision: 41, Want: 3, Agents: []string{"oregon", "paris", "tokyo"}, At: at, N: 2, Why: "lima was offline for 3m0s: tokyo runs it in its place",
			Refused: map[string]Refusal{"rome": {Why: "target: the agent's policy does not allow it", Life: "K3D7NQZJ5M2TQW6ZD4VYH6XAPB 5f2c"}}},
		"saved-some": Saved{Monitor: web, Agents: Selectors{"3 of region=eu"}, Chosen: []string{"oregon", "paris", "tokyo"}, Edition: 3},
		"alive":      alive,
		"alive-gone": Farewell("paris", at),
		"saved": Saved{Monitor: web, Agents: Selectors{"region=eu", "tokyo"}, Except: Selectors{"paris"}, Paused: true,
			Verdict: &Rule{Quorum: Quorum{Kind: QuorumDistinct, Label: "region", N: 2}, Down: Strikes{2, 3}, Up: 2, Crosscheck: new(Crosscheck)}, DependsOn: []string{"gateway"},
			Tags: map[string]string{"team": "shop", "env": "prod"}, SLO: &SLO{Objective: 99.9, Window: Duration(30 * 24 * time.Hour)}, Edition: 3, Author: "ann@desk", Change: "raise the timeout"},
		"verdict-agent-gone": AgentVerdict{Agent: "lima", Status: AgentAway, Since: at, At: at, N: 4, Incident: "agent-lima-1795930654", Why: "lima is gone for good",
			Blame: &Blame{Class: BlameUplink, Names: []string{"lima"}, Sure: true, Why: "lima is gone for good"}, Gone: true},
	}
	maps.Copy(out, alertSamples())
	maps.Copy(out, historySamples())
	return out
}

func TestGolden(t *testing.T) {
	for name, v := range samples() {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", name+".json")
			got, err := json.MarshalIndent(v, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, '\n')
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s differs; if that is meant, rewrite it with go test ./wire -update\ngot:\n%s", path, got)
			}
			back := reflect.New(reflect.TypeOf(v))
			strictly(t, want, back.Interface())
			again, err := json.MarshalIndent(back.Interface(), "", "  ")
			if err != nil || !bytes.Equal(append(again, '\n'), want) {
				t.Errorf("decoded and encoded again (%v):\n%s", err, again)
			}
		})
	}
}

// TestGolden_ShowsEveryField keeps the samples complete.
func TestGolden_ShowsEveryField(t *testing.T) {
	shown := map[string]bool{}
	for _, v := range samples() {
		markShown(reflect.ValueOf(v), shown)
	}
	for _, typ := range messages() {
		for f := range typ.Fields() {
			if !f.Anonymous && !shown[typ.Name()+"."+f.Name] {
				t.Errorf("no sample has %s.%s", typ.Name(), f.Name)
			}
		}
	}
}

func messages() []reflect.Type {
	return append(append(alertMessages(), historyMessages()...),
		reflect.TypeFor[Command](), reflect.TypeFor[Monitor](), reflect.TypeFor[Reply](), reflect.TypeFor[MonitorReply](), reflect.TypeFor[Error](),
		reflect.TypeFor[Result](), reflect.TypeFor[Unmet](), reflect.TypeFor[Alive](), reflect.TypeFor[Policy](), reflect.TypeFor[Saved](), reflect.TypeFor[Rule](), reflect.TypeFor[SLO](),
		reflect.TypeFor[Verdict](), reflect.TypeFor[Blame](), reflect.TypeFor[VerdictQuorum](), reflect.TypeFor[Evidence](), reflect.TypeFor[CrossCheck](), reflect.TypeFor[AgentVerdict](), reflect.TypeFor[MeshVerdict](), reflect.TypeFor[Placement](), reflect.TypeFor[Refusal](),
		reflect.TypeFor[Join](), reflect.TypeFor[Sealed](), reflect.TypeFor[AccessCommand](), reflect.TypeFor[AccessReply](), reflect.TypeFor[Credential](), reflect.TypeFor[Identity](), reflect.TypeFor[Session](), reflect.TypeFor[Delegation](), reflect.TypeFor[Consumer](), reflect.TypeFor[NextAuthority](), reflect.TypeFor[AuthorityState](), reflect.TypeFor[Missing](), reflect.TypeFor[Audit](),
		reflect.TypeFor[Proof](), reflect.TypeFor[Accepted](), reflect.TypeFor[SignedTrust](), reflect.TypeFor[Trust](), reflect.TypeFor[Member](),
	)
}

func markShown(v reflect.Value, shown map[string]bool) {
	if c, ok := v.Interface().(*Channel); ok {
		markShown(reflect.ValueOf(channelForm{c.Name, c.Kind, c.Fallback, c.Paused, c.Saving}), shown)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			markShown(v.Elem(), shown)
		}
	case reflect.Slice:
		for i := range v.Len() {
			markShown(v.Index(i), shown)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			markShown(v.MapIndex(key), shown)
		}
	case reflect.Struct:
		for f, fv := range v.Fields() {
			if f.IsExported() && !fv.IsZero() {
				shown[v.Type().Name()+"."+f.Name] = true
				markShown(fv, shown)
			}
		}
	}
}

// strictly decodes data, and fails the test over a field that v does not have.
func strictly(t *testing.T, data []byte, v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Errorf("decode %T: %v\n%s", v, err, data)
	}
}

func TestJSONNames_AreSnakeCase(t *testing.T) {
	for _, typ := range messages() {
		for f := range typ.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if !f.Anonymous && (name == "" || name != strings.ToLower(name) || strings.ContainsAny(name, " -")) {
				t.Errorf("%s.%s: JSON name %q", typ.Name(), f.Name, name)
			}
		}
	}
}
