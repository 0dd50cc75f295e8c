package probes

import (
	"bytes"
	"encoding/json"
	"iter"
	"slices"
	"strings"
	"time"

	"netmon/wire"
)

// Phases are the parts of a run's time that follow each other, by name, from the
// details of a result of a kind, in the order of the message. They are the figures
// with the tag phase: "yes", or the name of a figure that holds this one, too,
// where it is there. Other figures that end in _ns are totals and statistics, which
// must not be stacked.
func (l List) Phases(kind string, details json.RawMessage) iter.Seq2[string, time.Duration] {
	k, _ := l.Find(kind)
	return func(yield func(string, time.Duration) bool) {
		for _, f := range k.phases(details) {
			if !yield(strings.TrimSuffix(f.name, "_ns"), f.took) {
				return
			}
		}
	}
}

// timed is a figure of a run's time.
type timed struct {
	name   string
	within string // the figure that holds it, too
	took   time.Duration
}

func (k Kind) phases(details json.RawMessage) (out []timed) {
	d := json.NewDecoder(bytes.NewReader(details))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			break
		}
		name, _ := key.(string)
		var v json.RawMessage
		if d.Decode(&v) != nil {
			break
		}
		var ns int64
		i := slices.IndexFunc(k.Figures, func(f Field) bool { return f.Path == name && f.Phase != "" })
		if i >= 0 && json.Unmarshal(v, &ns) == nil && ns > 0 && ns <= int64(wire.MaxEvery) {
			out = append(out, timed{name, k.Figures[i].Phase, time.Duration(ns)})
		}
	}
	whole := slices.Clone(out)
	return slices.DeleteFunc(out, func(p timed) bool {
		return slices.ContainsFunc(whole, func(f timed) bool { return f.name == p.within })
	})
}
