package wire

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestLimits goes over each limit of a message: the error names the field, the
// limit and what came, and is short.
func TestLimits(t *testing.T) {
	long := strings.Repeat("x", MaxMessage)
	many := func(n int, item string) string {
		return "[" + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + "]"
	}
	saved := func(fields string) error {
		_, err := DecodeSaved([]byte(`{"name":"web","kind":"tcp","target":"h:1",`+fields+`}`), 1)
		return err
	}
	setting := func(key, text string) error { _, err := DecodeSetting(key, []byte(text), 1); return err }
	steps := many(MaxEscalations+1, `{"after":"1m","to":["a"]}`)
	tags := map[string]string{}
	for i := range MaxTags + 1 {
		tags[fmt.Sprintf("t%d", i)] = "x"
	}
	manyTags, _ := json.Marshal(tags)
	command := func(text string) error { _, err := DecodeCommand([]byte(text)); return err }
	monitor := func(m Monitor) error { return m.Validate() }
	labels := map[string]string{}
	for i := range MaxLabels + 1 {
		labels[fmt.Sprintf("l%d", i)] = "x"
	}
	alive, _ := json.Marshal(Alive{Agent: "paris", Labels: labels})
	deep := json.RawMessage(strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1))
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"command":            {command(`{"op":"list","after":"` + long + `"}`), "the command is 1048600 bytes long: want at most 1048576"},
		"monitors":           {command(`{"op":"start","monitors":` + many(MaxCommand+1, "{}") + `}`), "monitors: has 2001 entries: want at most 2000 in one command"},
		"names":              {command(`{"op":"stop","names":` + many(MaxCommand+1, `"a"`) + `}`), "names: has 2001 entries"},
		"a name":             {command(`{"op":"stop","names":["` + long[:100] + `"]}`), "names[0]: "},
		"have":               {command(`{"op":"sync","store":"s","have":{"a b":1}}`), `have: "a b" has a character`},
		"store":              {command(`{"op":"sync","store":"` + long[:100] + `"}`), "store: "},
		"op":                 {command(`{"op":"` + long[:100000] + `"}`), "op: unknown op"},
		"unknown fields":     {DecodeStrict([]byte(`{"`+long[:100000]+`":1}`), &Monitor{}), "unknown field"},
		"result":             {second(DecodeResult("results.a.b", []byte(long))), "the result on results.a.b is 1048576 bytes long: want at most 524288"},
		"heartbeat":          {second(DecodeAlive("agent.a.alive", []byte(long))), "the heartbeat on agent.a.alive is 1048576 bytes long: want at most 65536"},
		"labels":             {second(DecodeAlive("agent.paris.alive", alive)), "labels: an agent has at most 64 labels, got 65"},
		"saved":              {second(DecodeSaved([]byte(long), 1)), "the saved monitor is 1048576 bytes long: want at most 524288"},
		"reply":              {second(DecodeReply([]byte(long + "x"))), "the reply is 1048577 bytes long"},
		"options":            {monitor(Monitor{Name: "a", Kind: "tcp", Target: "h", Options: json.RawMessage(`"` + long[:MaxOptions] + `"`)}), "options: is 262146 bytes long: want at most 262144"},
		"nesting":            {monitor(Monitor{Name: "a", Kind: "tcp", Target: "h", Options: deep}), "options: is nested 65 levels deep: want at most 64"},
		"kind":               {monitor(Monitor{Name: "a", Kind: long, Target: "h"}), "kind: "},
		"target":             {monitor(Monitor{Name: "a", Kind: "tcp", Target: long}), "target: is 1048576 bytes long: want at most 2048"},
		"override in target": {monitor(Monitor{Name: "a", Kind: "tcp", Target: "a\u202eb"}), `target: has a control character, or another that does not show: "a\u202eb"`},
		"C1 in target":       {monitor(Monitor{Name: "a", Kind: "tcp", Target: "a\u009bb"}), "target: has a control character"},
		"no UTF-8 in target": {monitor(Monitor{Name: "a", Kind: "tcp", Target: "a\xffb"}), "target: has a control character"},
		"author":             {saved(`"author":"` + long[:300] + `"`), "author: is 300 bytes long: want at most 256"},
		"change":             {saved(`"change":"` + long[:3000] + `"`), "change: is 3000 bytes long: want at most 2000"},
		"selectors":          {saved(`"agents":` + many(MaxSelector+1, `"a"`)), "agents: has 1001 selectors: want at most 1000"},
		"some":               {saved(`"agents":"501 of all"`), "agents[0]: want N of AGENTS"},
		"one selector":       {saved(`"agents":["` + strings.TrimSuffix(strings.Repeat("a=b,", MaxLabels+1), ",") + `"]`), "agents[0]: has 65 labels: want at most 64"},
		"no selector":        {saved(`"agents":{"nonsense":"` + long[:100000] + `"}`), "want all, a list"},
		"label":              {CheckLabel("a", "b\u202ec"), `label a: `},
		"tags":               {saved(`"tags":` + string(manyTags)), "tags: has 33 tags: want at most 32"},
		"tag":                {saved(`"tags":{"team":"` + long[:100] + `"}`), "tags.team: want 1 to 64 bytes of text that shows"},
		"setting":            {setting("rule.a", long), "it is 1048576 bytes long: want at most 524288"},
		"sort":               {setting(long[:1000]+".a", "{}"), "sort: want one of [channel rule window group silence ack], got "},
		"to":                 {setting("rule.a", `{"name":"a","to":`+many(MaxSelector+1, `"a"`)+`}`), "to: has 1001 entries: want at most 1000"},
		"match":              {setting("rule.a", `{"name":"a","to":[],"match":{"monitors":`+many(MaxSelector+1, `"a"`)+`}}`), "match.monitors: has 1001 entries: want at most 1000"},
		"severities":         {setting("rule.a", `{"name":"a","to":[],"match":{"severity":`+many(MaxSelector+1, `"down"`)+`}}`), "match: has a list of 1001 entries: want at most 1000"},
		"match's tags":       {setting("rule.a", `{"name":"a","to":[],"match":{"tags":`+string(manyTags)+`}}`), "match.tags: has 33 tags: want at most 32"},
		"escalate":           {setting("rule.a", `{"name":"a","to":[],"escalate":`+steps+`}`), "escalate: has 11 steps: want at most 10"},
		"wait":               {setting("rule.a", `{"name":"a","to":[],"wait":"721h"}`), `wait: want 1s to 30d, got "30d1h"`},
		"author of a rule":   {setting("rule.a", `{"name":"a","to":[],"author":"`+long[:300]+`"}`), "author: is 300 bytes long: want at most 256"},
		"for":                {setting("window.a", `{"name":"a","cron":"0 0 * * *","for":"721h"}`), `for: want 1m to 30d, got "30d1h"`},
		"cron":               {setting("window.a", `{"name":"a","cron":"`+long[:300]+`","for":"1h"}`), `cron: is 300 bytes long: want at most 200`},
		"group":              {setting("group.a", `{"name":"a","of":`+many(MaxGroup+1, `"a"`)+`}`), "of: want 1 to 1000 monitors, got 1001"},
		"silence":            {setting("silence.a", `{"id":"a","from":"2026-11-30T00:00:00Z","until":"2026-11-30T01:00:00Z","text":"`+long[:3000]+`"}`), "text: is 3000 bytes long: want at most 2000"},
		"ack":                {setting("ack.a", `{"incident":"a","text":"`+long[:3000]+`"}`), "text: is 3000 bytes long: want at most 2000"},
		"a channel's own":    {setting("channel.a", `{"name":"a","kind":"mail","x":"`+long[:MaxOptions]+`"}`), "is 262152 bytes long: want at most 262144"},
		"a channel's depth":  {setting("channel.a", `{"name":"a","kind":"mail","x":`+string(deep)+`}`), "is nested 66 levels deep: want at most 64"},
		"incident":           {second(DecodeIncident("incidents.a", []byte(long))), "the incident on incidents.a is 1048576 bytes long: want at most 921600"},
		"notice":             {second(DecodeNotice("notices.a.b", []byte(long))), "the notice on notices.a.b is 1048576 bytes long: want at most 65536"},
		"delivery":           {second(DecodeDelivery("deliveries.a.b", []byte(long))), "the delivery on deliveries.a.b is 1048576 bytes long: want at most 65536"},
		"status":             {second(DecodeChannelStatus("channels.a", []byte(long))), "the channel's status on channels.a is 1048576 bytes long: want at most 65536"},
		"trouble":            {second(DecodeTrouble("troubles.a.b", []byte(long))), "the trouble on troubles.a.b is 1048576 bytes long: want at most 65536"},
		"duration":           {saved(`"every":"` + long[:100000] + `"`), "want a number with a unit"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: %.200v\nwant %q", name, c.err, c.want)
		} else if n := len(c.err.Error()); n > 2*MaxText {
			t.Errorf("%s: the error is %d bytes long", name, n)
		}
	}
	if n := len(Limits); n < 20 {
		t.Errorf("%d limits", n)
	}
}

func second[T any](_ T, err error) error { return err }

// TestLimits_Mistakes sends as many mistakes as fit: a few are reported.
func TestLimits_Mistakes(t *testing.T) {
	var text strings.Builder
	text.WriteString(`{"op":"start","monitors":[{"every":1`)
	for i := range 50_000 {
		fmt.Fprintf(&text, `},{"every":%d`, i)
	}
	text.WriteString("}]}")
	_, err := DecodeCommand([]byte(text.String()))
	errs := Invalid(err)
	if len(errs) != MaxProblems+1 || errs[MaxProblems].Message != "and 49901 more mistakes" {
		t.Errorf("%d mistakes, the last %+v", len(errs), errs[len(errs)-1])
	}
	huge := Reply{Agent: "paris", OK: true}
	for range 3000 {
		huge.Monitors = append(huge.Monitors, MonitorReply{Name: "a", Errors: []Error{{Message: strings.Repeat("x", 1000)}}})
	}
	data := huge.Encode()
	back, err := DecodeReply(data)
	if err != nil || len(data) > MaxMessage || back.OK || !strings.Contains(back.Error.Message, "ask for less at once") {
		t.Errorf("%d bytes, %+v, %v", len(data), back.Error, err)
	}
}

func TestResult_Fit(t *testing.T) {
	long := strings.Repeat("é", MaxMessage)
	r := Result{Agent: "a", Monitor: "b", Error: long, Summary: long, Details: json.RawMessage(`"` + long + `"`), Unmet: make([]Unmet, 1000)}
	for i := range r.Unmet {
		r.Unmet[i] = Unmet{Expect: strings.Repeat("\x00", 1000), Want: long, Got: long}
	}
	given := r.Unmet
	r.Fit()
	data, err := json.Marshal(r)
	if err != nil || len(data) > MaxResult {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	if r.Details != nil || !strings.Contains(r.Error, "; details left out: is 2097154 bytes long: want at most 49152; 88 of 100 expectations left out: the result is too long") ||
		len(r.Unmet) != 12 || !strings.HasSuffix(r.Summary, "é...") {
		t.Errorf("%.100s %d %.3000s", r.Details, len(r.Unmet), r.Error)
	}
	if len(given) != 1000 {
		t.Error("the caller's list was changed")
	}
	small := Result{Agent: "a", Monitor: "b", Error: "x", Details: json.RawMessage(`{"a":1}`)}
	before, _ := json.Marshal(small)
	small.Fit()
	if after, _ := json.Marshal(small); string(after) != string(before) {
		t.Errorf("%s became %s", before, after)
	}
}

// TestResult_FitsIntoTheStream: whatever a target says, with what the agent adds
// later and with its headers a result is a message that the stream takes. What
// was measured stays, and the error says what is missing.
func TestResult_FitsIntoTheStream(t *testing.T) {
	const headers = 512                      // "NATS/1.0", two of them, the longest id
	worst := strings.Repeat("<", MaxMessage) // six bytes each
	details := json.RawMessage(`{"body":"` + strings.Repeat("x", MaxDetails-11) + `"}`)
	for what, c := range map[string]struct {
		in   Result
		kept bool
		says string
	}{
		"the greatest details":               {Result{Details: details, Summary: "302 Found"}, true, ""},
		"greater details":                    {Result{Details: append(details[:len(details)-2:len(details)-2], `x"}`...)}, false, "details left out: is 49153 bytes long"},
		"details beside a long error":        {Result{Details: details, Error: worst}, false, "details left out: the result is 7"},
		"many expectations that are not met": {Result{Details: json.RawMessage(`{}`), Unmet: slices.Repeat([]Unmet{{worst, worst, worst}}, 200)}, false, "97 of 100 expectations left out"},
		"everything":                         {Result{Details: details, Error: worst, Summary: worst, Kind: worst, Address: worst, Clock: worst, Unmet: slices.Repeat([]Unmet{{worst, worst, worst}}, 200)}, false, "expectations left out"},
	} {
		r := c.in
		r.Agent, r.Monitor, r.Target, r.Outcome, r.Failure = strings.Repeat("a", MaxToken), strings.Repeat("b", MaxToken), worst, Failed, FailMismatch
		r.Started, r.Due = time.Now().UTC(), time.Now().UTC()
		if c.kept {
			r.Target = "http://example.org/"
		}
		r.Fit()
		const most = math.MaxUint64
		r.Epoch, r.Seq, r.Run, r.Skipped, r.Covers, r.Missed, r.LateNS, r.Dropped, r.Revision = strings.Repeat("E", 16), most, most, most, most, most, math.MaxInt64, most, most
		data, err := r.AppendJSON(nil)
		if err != nil || len(data) > MaxResult || len(data)+headers > MaxStored {
			t.Errorf("%s: %d bytes, %v", what, len(data), err)
		}
		if (r.Details != nil) != c.kept || !strings.Contains(r.Error, c.says) || r.Outcome != Failed || r.Failure != FailMismatch {
			t.Errorf("%s: %s %s, details of %d bytes, %d unmet, error %.100q ... %q", what, r.Outcome, r.Failure, len(r.Details), len(r.Unmet), r.Error, r.Error[max(0, len(r.Error)-150):])
		}
	}
}

// TestDecodeResult_OfAnOlderAgent: what is stored already is read as it is.
func TestDecodeResult_OfAnOlderAgent(t *testing.T) {
	details := json.RawMessage(`{"body":"` + strings.Repeat("x", 200<<10) + `"}`)
	old := Result{Agent: "a", Monitor: "b", Outcome: OK, Details: details}
	data, err := old.AppendJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := DecodeResult("results.a.b", data)
	if err != nil || len(r.Details) != len(details) || r.Error != "" {
		t.Errorf("%d bytes of details, error %q, %v", len(r.Details), r.Error, err)
	}
	fit, err := Refit("results.a.b", data, (*Result).Fit)
	if err != nil || len(fit) > MaxResult || !strings.Contains(string(fit), "details left out: is 204811 bytes long") {
		t.Errorf("%.300s %v", fit, err)
	}
}

func FuzzReply(f *testing.F) {
	for _, s := range []string{`{"ok":true,"agent":"a","monitors":[{"name":"a","state":"refused"}],"next":"b"}`, `{"ok":true,"agent":"a","monitors":[{"name":"a","state":"asked","note":"n"},{"name":"b","state":"absent"}]}`, `{"result":{"details":[[1]],"unmet":[{}]},"info":{"labels":{"a":"b"}}}`, `{"error":{"code":1}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := DecodeReply(data)
		if err != nil {
			return
		}
		for _, m := range r.Monitors {
			if m.State == Refused && len(m.Errors) == 0 {
				t.Errorf("%q: refused without a reason", data)
			}
		}
		if r.Result != nil {
			r.Result.Fit()
		}
		if _, err := DecodeReply(r.Encode()); err != nil {
			t.Errorf("%q: %v", data, err)
		}
	})
}
