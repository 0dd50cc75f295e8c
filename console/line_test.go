package console

import (
	"strings"
	"testing"
	"time"

	"netmon/wire"
)

func TestLine(t *testing.T) {
	at := time.Date(2026, 11, 24, 10, 4, 5, 123e6, time.Local)
	ns := int64(12_345_678)
	var l Line
	for want, r := range map[string]wire.Result{
		"10:04:05.123 paris web ● ok       12.3 ms  200 OK":                                                                        {Outcome: wire.OK, LatencyNS: &ns, Summary: "200 OK"},
		"10:04:05.123 paris web ✕ failed         -  refused: connect: connection refused":                                          {Outcome: wire.Failed, Failure: wire.FailRefused, Error: "connect: connection refused\nmore"},
		"10:04:05.123 paris web ? broken         -  permission: no":                                                                {Outcome: wire.Broken, Failure: wire.BrokenPermission, Error: "no"},
		"10:04:05.123 paris web ● ok             -  fine  ? 3 ticks skipped before":                                                {Outcome: wire.OK, Summary: "fine", Skipped: 3},
		"10:04:05.123 paris web ● ok             -  fine  ? 1 tick skipped before, 2 ticks during this run, with the same outcome": {Outcome: wire.OK, Summary: "fine", Skipped: 3, Covers: 2},
		"10:04:05.123 paris web ● ok             -  fine  asked for":                                                               {Outcome: wire.OK, Summary: "fine", Asked: "K3D7"},
		"10:04:05.123 paris web ● ok             -  fine  ? 60 ticks missed before, while the agent did not run: unknown":          {Outcome: wire.OK, Summary: "fine", Missed: 60},
		"10:04:05.123 paris web ● ok             -  fine  ? 7 results lost before: unknown, came 90.0 s late":                      {Outcome: wire.OK, Summary: "fine", Dropped: 7, LateNS: 90e9},
		`10:04:05.123 paris web ✕ failed         -  mismatch: got "\x1b[2J" and \u202e`:                                            {Outcome: wire.Failed, Failure: wire.FailMismatch, Error: "got \"\x1b[2J\" and \u202e"},
	} {
		r.Agent, r.Monitor, r.Started = "paris", "web", at
		if got := l.Format(r); got != want {
			t.Errorf("\n got %q\nwant %q", got, want)
		}
	}
	l.Styles = Colours
	if got := l.Format(wire.Result{Agent: "a", Monitor: "m", Started: at, Outcome: wire.OK}); !strings.Contains(got, Colours.OK+"● ok") {
		t.Errorf("%q", got)
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 ns", 999: "999 ns", 1500: "1.50 µs", 12_345: "12.3 µs", 999_400: "999 µs", 1_234_567: "1.23 ms",
		123 * time.Millisecond: "123 ms", 1500 * time.Millisecond: "1.50 s", 2 * time.Minute: "120 s", -5 * time.Millisecond: "-5.00 ms",
	} {
		if got := Short(d); got != want {
			t.Errorf("Short(%d) = %q, want %q", d, got, want)
		}
	}
}

func FuzzPrintable(f *testing.F) {
	for _, s := range []string{"plain", "\x1b[31m", "\xff\xfe", "\u0085", "\u202e", "日本", "\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := Printable(s)
		for _, r := range out {
			if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x202e {
				t.Errorf("Printable(%q) = %q", s, out)
			}
		}
		if again := Printable(out); again != out {
			t.Errorf("not stable: %q, %q", out, again)
		}
	})
}
