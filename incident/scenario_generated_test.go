package incident

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"netmon/wire"
)

// generate plays so many steps of what may happen. The seed makes the same again.
func generate(w *world, seed uint64, steps int) {
	r := rand.New(rand.NewPCG(seed, 1))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	do := func(format string, args ...any) {
		text := fmt.Sprintf(format, args...)
		w.k.Advance(w.now)
		if err := w.do(strings.Fields(text)); err != nil && !strings.HasPrefix(err.Error(), "no incident") {
			w.t.Fatalf("%s: %v", text, err)
		}
	}
	do("save channel hook fallback mail")
	do("save channel mail,chat")
	do("save monitor gateway,m1..m6")
	do("save monitor h1..h4 target host.example:1 tags team=shop")
	do("save monitor many1..many12 tags env=test")
	do("save group shop of h1,h2,m1 rule %s", pick("any", "all", "2"))
	if r.IntN(3) > 0 {
		do("save rule shop tags=team:shop to hook update 1m repeat 30m escalate 10m:chat")
		do("save rule rest to mail")
	}
	monitors := []string{"gateway", "m1", "m2", "m3", "h1", "h2", "h3", "h4", "many1"}
	for range steps {
		if r.IntN(4) > 0 {
			w.until(w.now.Add(time.Duration(r.IntN(40)) * time.Second))
		} else {
			w.until(w.now.Add(time.Duration(r.IntN(1200)) * time.Second))
		}
		name := pick(monitors...)
		if _, saved := w.monitors["m3"]; name == "m3" && !saved {
			name = "m2"
		}
		n := r.IntN(42)
		if w.monitors[name].Paused && n < 22 {
			n = 35
		}
		switch {
		case n < 12:
			do("%s %s %s", name, pick("down", "degraded", "unknown"), pick("target", "dns", "unclear", "region:region=eu", "uplink:paris", "uplink:rome"))
		case n < 20:
			do("%s up", name)
		case n < 22:
			do("%s %s flapping", name, pick("up", "down", "degraded"))
		case n == 22:
			do("m1,m2,m4..m6 unknown parent:gateway")
		case n == 23:
			do("gateway,m1,m2,m4..m6 up")
		case n == 24:
			do("many1..many%d down", 8+r.IntN(5))
		case n == 25:
			do("many1..many12 up")
		case n == 26:
			do("agent %s %s", pick("paris", "rome"), pick("away", "aside", "able", "clock", "gone", "able"))
		case n == 27:
			do("ack %s by anna", name)
		case n == 28:
			do("unack %s", name)
		case n == 29:
			do("silence %s %s for %dm", pick("s1", "s2"), pick("tags=team:shop", "monitors=m*", "severity=down", ""), 1+r.IntN(30))
		case n == 30:
			do("end %s", pick("s1", "s2"))
		case n == 31:
			do("channel %s %s", pick("hook", "mail", "chat"), pick("works", "works", "refuses", "waits", "vanishes"))
		case n == 32:
			do("save rule extra severity=%s to %s wait %ds", pick("down", "degraded", "agent"), pick("hook", "mail", "chat"), 1+r.IntN(60))
		case n == 33:
			do("delete rule %s", pick("extra", "rest"))
		case n == 34:
			do("save window w %s from %dm to %dm", pick("monitors=h*", "groups=shop", ""), int(w.now.Sub(zero).Minutes())+r.IntN(5), int(w.now.Sub(zero).Minutes())+6+r.IntN(10))
		case n == 35:
			if what := pick("pause", "resume", "resume"); what == "pause" {
				do("pause %s", name)
				do("%s paused", name)
			} else {
				do("resume %s", name)
			}
		case n == 36:
			do("trouble %s %s %s", "certificate", pick("h1", "h2", "m2"), pick("bad", "good"))
		case n == 37:
			do("mesh %s", pick("silent", "heard", "heard"))
		case n == 38:
			if r.IntN(2) == 0 {
				do("delete monitor m3")
			} else {
				do("save monitor m3 tags %s", pick("team=shop", "team=ops"))
			}
		case n == 39:
			do("save group shop of h1,%s rule %s", pick("h2", "m1", "h3"), pick("any", "all", "1"))
		}
		switch n {
		case 40:
			do("%s", pick("save channel chat paused yes", "save channel hook fallback mail paused yes", "delete channel chat",
				"save channel chat", "save channel hook fallback mail"))
		case 41:
			do("%s", pick("delete group shop", "save group shop of h1,h2,m1 rule any"))
		}
		if r.IntN(4) > 0 { // facts that come together are decided together
			w.step()
		}
	}
	// Everything becomes good, and every channel works.
	for _, end := range []string{"save channel hook fallback mail", "save channel chat", "channel hook works", "channel mail works", "channel chat works", "end s1", "end s2", "delete window w",
		"mesh heard", "agent paris,rome able", "save monitor m3", "trouble certificate h1 good", "trouble certificate h2 good", "trouble certificate m2 good",
		"gateway,m1..m6,h1..h4,many1..many12 up", "resume gateway,m1,m2,m3,h1,h2,h3,h4,many1", "gateway,m1..m6,h1..h4,many1..many12 up"} {
		do("%s", end)
		w.step()
	}
	w.until(w.now.Add(time.Hour))
}

// TestGenerated plays what may happen, checks what holds always, and compares with a
// Keeper that is restored after each step.
func TestGenerated(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 4
	}
	for seed := range uint64(rounds) {
		seed := seed * 54
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			once := newWorld(t)
			once.step()
			generate(once, seed, 120)
			once.invariants()
			for _, id := range once.ids {
				if inc := once.incident[id]; inc.State == wire.IncidentOpen {
					t.Errorf("%s is open at the end: %s", id, inc.Summary)
				}
			}
			again := newWorld(t)
			again.step()
			again.restart = true
			generate(again, seed, 120)
			compareWorlds(t, once, again)
			if t.Failed() {
				t.Logf("seed %d", seed)
			}
		})
	}
}

func compareWorlds(t *testing.T, a, b *world) {
	t.Helper()
	for i := range min(len(a.history), len(b.history)) {
		x, _ := json.Marshal(a.history[i])
		y, _ := json.Marshal(b.history[i])
		if string(x) != string(y) {
			t.Fatalf("%v: with restarts %s is another message: %s", a.history[i].At.Sub(zero), a.history[i].ID, difference(a.history[i], b.history[i]))
		}
	}
	if len(a.history) != len(b.history) {
		t.Fatalf("%d messages, with restarts %d", len(a.history), len(b.history))
	}
	for i := range min(len(a.told), len(b.told)) {
		if a.told[i].Notice != b.told[i].Notice {
			t.Fatalf("with restarts it is another notice:\n%+v\n%+v", a.told[i].Notice, b.told[i].Notice)
		}
	}
	if len(a.told) != len(b.told) {
		t.Fatalf("%d notices, with restarts %d", len(a.told), len(b.told))
	}
}
