package web

import (
	"bytes"
	"errors"
	"strings"

	"netmon/console"
	"netmon/judge"
	"netmon/probes"
	"netmon/wire"
)

// answersMost is how many agents' answers a page shows.
const answersMost = 100

// answerView is what one agent found.
type answerView struct {
	Agent string
	State stateView
	Took  string
	Text  string
	More  string // its figures, a line each
}

// measure asks the chosen agents to measure m now; nothing of it is saved.
func (e *editing) measure(m wire.Saved) error {
	got, err := e.a.who.Ops.Probe(e.a, console.Probing{Monitor: m, Times: 1}, nil)
	if errors.Is(err, console.ErrNoAgent) {
		return &wire.FieldError{Path: "agents", Err: errors.New("chooses no agent that is known: nobody can measure it now; saved, it starts when one joins")}
	}
	if err != nil {
		return err
	}
	e.answers, e.cut = answersOf(got, e.sheet.kind), got.Cut
	return nil
}

// answersOf are the answers of agents, those that are not well first.
func answersOf(got console.Probed, k probes.Kind) (list []answerView) {
	for _, want := range judge.States { // the worst first
		for _, t := range got.Tallies {
			if stateAnswered(t.Last) == want {
				list = append(list, answerOf(t.Last, k))
			}
		}
	}
	for _, id := range got.Away {
		list = append(list, answerView{Agent: console.Printable(id), State: wordState(judge.Unknown, "offline"), Text: "it is not asked"})
	}
	return list[:min(len(list), answersMost)]
}

func stateAnswered(a console.Asked) judge.State {
	if a.Err != nil {
		return judge.Unknown
	}
	return judge.OfResult(a.Result)
}

func wordState(s judge.State, word string) stateView {
	v := stateOf(s)
	v.Word = word
	return v
}

func answerOf(a console.Asked, k probes.Kind) answerView {
	v := answerView{Agent: console.Printable(a.Agent)}
	if a.Err != nil {
		v.State, v.Text = wordState(judge.Unknown, "no answer"), console.Printable(a.Err.Error())
		return v
	}
	r := *a.Result
	v.State, v.Took = wordState(stateAnswered(a), console.Printable(wire.Clip(string(r.Outcome), wire.MaxToken))), none
	if d, ok := r.Latency(); ok {
		v.Took = console.Short(d)
	}
	v.Text = oneLine(r.Summary)
	if r.Outcome != wire.OK {
		v.Text = oneLine(wire.Clip(string(r.Failure), wire.MaxToken) + ": " + wire.Clip(r.Error, wire.MaxText))
	}
	var b bytes.Buffer
	if len(r.Details) > 0 {
		if err := k.Report(r.Details, &b); err != nil {
			b.Reset()
		}
	}
	console.Measured(&b, console.Styles{}, r)
	v.More = strings.TrimRight(console.PrintableText(b.String()), "\n")
	return v
}
