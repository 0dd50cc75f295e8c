package incident

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"netmon/wire"
)

// do does what a line says.
func (w *world) do(words []string) error {
	rest := words[1:]
	switch words[0] {
	case "save", "silence":
		if words[0] == "silence" {
			rest = words
		}
		return w.doSave(rest)
	case "delete":
		if rest[0] == "monitor" {
			for _, name := range namesOf(rest[1]) {
				w.remove(name)
			}
			return nil
		}
		w.unset(wire.Sort(rest[0]), rest[1])
		return nil
	case "end":
		w.unset(wire.SortSilence, rest[0])
		return nil
	case "pause", "resume":
		for _, name := range namesOf(rest[0]) {
			m := w.monitors[name]
			m.Paused = words[0] == "pause"
			w.save(m)
		}
		return nil
	case "agent":
		return w.doAgent(rest)
	case "mesh":
		w.frozen(rest[0] == "silent")
		return nil
	case "trouble":
		w.trouble(rest[0], rest[1], saying(rest, rest[0]+" of "+rest[1]), len(rest) < 3 || rest[2] != "good")
		return nil
	case "ack", "unack":
		id := w.idWith(rest[0])
		if id == "" {
			return fmt.Errorf("no incident has %s", rest[0])
		}
		if words[0] == "unack" {
			w.unset(wire.SortAck, id)
			return nil
		}
		w.set(&wire.Acknowledgement{Incident: id, At: w.now, Text: saying(rest, ""), Saving: wire.Saving{Author: rest[2]}})
		return nil
	case "channel":
		outcome, ok := map[string]wire.SendOutcome{"works": wire.Sent, "refuses": wire.Undelivered, "waits": wire.Retrying, "vanishes": ""}[rest[1]]
		if !ok {
			return fmt.Errorf("unknown word %q", rest[1])
		}
		w.outcome[rest[0]] = outcome
		return nil
	}
	for _, name := range namesOf(words[0]) {
		if err := w.doVerdict(name, rest); err != nil {
			return err
		}
	}
	return nil
}

// saying is the text at the end of a line.
func saying(words []string, otherwise string) string {
	for i, word := range words {
		if word == "saying" {
			return strings.Join(words[i+1:], " ")
		}
	}
	return otherwise
}

// namesOf reads a list with commas, of names and ranges such as m1..m50.
func namesOf(text string) []string {
	if head, tail, ok := strings.Cut(text, ","); ok {
		return append(namesOf(head), namesOf(tail)...)
	}
	if from, to, ok := strings.Cut(text, ".."); ok {
		prefix := strings.TrimRight(from, "0123456789")
		a, _ := strconv.Atoi(from[len(prefix):])
		b, _ := strconv.Atoi(strings.TrimPrefix(to, prefix))
		var out []string
		for n := a; n <= b; n++ {
			out = append(out, prefix+strconv.Itoa(n))
		}
		return out
	}
	return []string{text}
}

// doVerdict is NAMES STATE [CLASS[:NAMES]] [flapping] [saying WORDS].
func (w *world) doVerdict(name string, words []string) error {
	state := wire.VerdictState(words[0])
	why := saying(words, "refused from 3 of 3 agents")
	var blame *wire.Blame
	flapping := false
	if state == wire.VerdictDown || state == wire.VerdictDegraded || state == wire.VerdictUnknown {
		blame = &wire.Blame{Class: wire.BlameTarget, Sure: true}
	} else if state != wire.VerdictUp && state != wire.VerdictPaused {
		return fmt.Errorf("unknown state %q", state)
	}
	for _, word := range words[1:] {
		if word == "saying" {
			break
		}
		if word == "flapping" {
			flapping = true
			continue
		}
		class, about, ok := strings.Cut(word, ":")
		blame = &wire.Blame{Class: wire.BlameClass(class), Sure: true}
		if ok {
			blame.Names = strings.Split(about, ",")
		}
	}
	w.verdict(name, state, blame, why, flapping)
	return nil
}

func (w *world) doAgent(words []string) error {
	for _, name := range namesOf(words[0]) {
		switch words[1] {
		case "away":
			w.agent(name, wire.AgentAway, wire.BlameUplink, "nothing is heard from "+name, false)
		case "aside":
			w.agent(name, wire.AgentAside, wire.BlameUplink, name+" has lost its uplink", false)
		case "clock":
			w.agent(name, wire.AgentAble, wire.BlameClock, name+"'s clock is 1h ahead of the broker's", false)
		case "able":
			w.agent(name, wire.AgentAble, "", "", false)
		case "gone":
			w.agent(name, wire.AgentAway, wire.BlameUplink, name+" is gone for good", true)
		default:
			return fmt.Errorf("unknown word %q", words[1])
		}
	}
	return nil
}

// doSave saves a monitor or a setting.
func (w *world) doSave(words []string) error {
	sort, names, rest := words[0], namesOf(words[1]), words[2:]
	match, rest, err := matchOf(rest)
	if err != nil {
		return err
	}
	if sort == "monitor" {
		for _, name := range names {
			m := wire.Saved{Monitor: wire.Monitor{Name: name, Kind: "tcp", Target: name + ".example:443"}}
			if err := clauses(rest, map[string]func(string) error{
				"target": func(v string) error { m.Target = v; return nil },
				"kind":   func(v string) error { m.Kind = v; return nil },
				"tags": func(v string) error {
					m.Tags = map[string]string{}
					for tag := range strings.SplitSeq(v, ",") {
						k, val, _ := strings.Cut(tag, "=")
						m.Tags[k] = val
					}
					return nil
				},
			}); err != nil {
				return err
			}
			w.save(m)
		}
		return nil
	}
	for _, name := range names {
		s, err := w.settingOf(sort, name, match, rest)
		if err != nil {
			return err
		}
		w.set(s)
	}
	return nil
}

func (w *world) settingOf(sort, name string, match wire.Match, rest []string) (wire.Setting, error) {
	length := func(d *wire.Duration) func(string) error {
		return func(v string) error { return d.UnmarshalText([]byte(v)) }
	}
	switch sort {
	case "channel":
		c := &wire.Channel{Name: name, Kind: "webhook"}
		return c, clauses(rest, map[string]func(string) error{
			"fallback": func(v string) error { c.Fallback = v; return nil },
			"kind":     func(v string) error { c.Kind = v; return nil },
			"paused":   func(v string) error { c.Paused = v == "yes"; return nil },
		})
	case "rule":
		r := &wire.NoticeRule{Name: name, Match: match, To: []string{}}
		return r, clauses(rest, map[string]func(string) error{
			"to": func(v string) error {
				if v != "nobody" {
					r.To = namesOf(v)
				}
				return nil
			},
			"wait": length(&r.Wait), "update": length(&r.Update), "repeat": length(&r.Repeat),
			"escalate": func(v string) error {
				after, to, _ := strings.Cut(v, ":")
				e := wire.Escalation{To: namesOf(to)}
				r.Escalate = append(r.Escalate, e)
				return r.Escalate[len(r.Escalate)-1].After.UnmarshalText([]byte(after))
			},
		})
	case "group":
		g := &wire.Group{Name: name}
		return g, clauses(rest, map[string]func(string) error{
			"of":   func(v string) error { g.Of = namesOf(v); return nil },
			"rule": func(v string) error { g.Rule = wire.GroupRule(v); return nil },
		})
	case "window":
		win := &wire.Window{Name: name, Match: match}
		return win, clauses(rest, map[string]func(string) error{
			"weekly": func(v string) error { win.Weekly = strings.ReplaceAll(v, "/", " "); return nil },
			"zone":   func(v string) error { win.Zone = v; return nil },
			"cron":   func(v string) error { win.Cron = strings.ReplaceAll(v, "_", " "); return nil },
			"for":    length(&win.For),
			"from":   func(v string) error { d, err := time.ParseDuration(v); win.From = zero.Add(d); return err },
			"to":     func(v string) error { d, err := time.ParseDuration(v); win.To = zero.Add(d); return err },
		})
	case "silence":
		s := &wire.Silence{ID: name, Match: match, From: w.now}
		var lasts wire.Duration
		err := clauses(rest, map[string]func(string) error{"for": length(&lasts)})
		s.Until = s.From.Add(lasts.Std())
		return s, err
	}
	return nil, fmt.Errorf("unknown sort %q", sort)
}

// clauses reads pairs of a word and its value.
func clauses(words []string, known map[string]func(string) error) error {
	for len(words) > 0 {
		f := known[words[0]]
		if f == nil || len(words) < 2 {
			return fmt.Errorf("unknown word %q", words[0])
		}
		if err := f(words[1]); err != nil {
			return err
		}
		words = words[2:]
	}
	return nil
}

// matchOf reads words such as severity=down,degraded and tags=team:shop, and gives the others.
func matchOf(words []string) (m wire.Match, others []string, err error) {
	fields := map[string]any{}
	for _, word := range words {
		name, value, ok := strings.Cut(word, "=")
		if !ok || len(others) > 0 && others[len(others)-1] == "tags" {
			others = append(others, word)
			continue
		}
		if name == "tags" {
			tags := map[string]string{}
			for tag := range strings.SplitSeq(value, ",") {
				k, v, _ := strings.Cut(tag, ":")
				tags[k] = v
			}
			fields[name] = tags
			continue
		}
		fields[name] = strings.Split(value, ",")
	}
	data, err := json.Marshal(fields)
	if err == nil {
		err = wire.DecodeStrict(data, &m)
	}
	return m, others, err
}
