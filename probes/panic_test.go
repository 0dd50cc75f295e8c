package probes

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"netmon/wire"
)

// faulty is a kind that panics.
type faulty struct{ Common }

type noDetails struct{}

func (noDetails) Headline() Headline { return Headline{} }

func (noDetails) Report(io.Writer) {}

func (faulty) Validate(string) error { return nil }

func (faulty) Measure(context.Context, *Run) (noDetails, error) { panic("a fault") }

func (faulty) Footprint(string) Footprint { return Footprint{Probes: 1} }

// TestCheck_PanicIsBroken: a fault of a probe is ours, and ends that run alone.
func TestCheck_PanicIsBroken(t *testing.T) {
	k := NewKind(Kind{Name: "faulty", Target: "ANY", Example: "x", Doc: "panics"}, func() faulty { return faulty{} })
	c, err := k.New(&Env{}, "x", nil)
	if err != nil {
		t.Fatal(err)
	}
	r := c.Run(t.Context(), time.Second, nil)
	if r.Outcome != wire.Broken || r.Failure != wire.BrokenInternal || !strings.Contains(r.Error, "a fault") {
		t.Errorf("%+v", r)
	}
}

// TestKind_NotMade: one that NewKind did not make is refused, with the reason.
func TestKind_NotMade(t *testing.T) {
	_, err := List{{Name: "foreign"}}.New(&Env{}, "foreign", "x", nil)
	if err == nil || !strings.Contains(err.Error(), `kind "foreign" was not made by NewKind`) {
		t.Errorf("%v", err)
	}
}

// pointed is a kind whose struct and details are used by pointer.
type pointed struct {
	Common

	Does string `json:"does" help:"what goes wrong"`
	Kept string `json:"kept" help:"an option that has a default"`
}

// learned are its details.
type learned struct {
	Text string `json:"text" help:"a figure"`

	fault string
}

func (d *learned) Headline() Headline {
	if d.fault == "headline" {
		panic("a fault")
	}
	return Headline{Summary: d.Text}
}

func (d *learned) MarshalJSON() ([]byte, error) {
	if d.fault == "marshal" {
		panic("a fault")
	}
	return []byte(`{"text":"` + d.Text + `"}`), nil
}

func (d *learned) Report(w io.Writer) { io.WriteString(w, d.Text) }

func (*pointed) Validate(string) error { return nil }

func (p *pointed) learned() (*learned, error) {
	switch p.Does {
	case "nothing":
		return nil, nil
	case "error":
		return nil, faultyError{}
	}
	return &learned{Text: p.Kept, fault: p.Does}, nil
}

// faultyError is an error that panics when it is read.
type faultyError struct{ error }

// faultyKept cannot be closed.
type faultyKept struct{}

func (faultyKept) Close() error { panic("a fault") }

func (p *pointed) Measure(_ context.Context, run *Run) (*learned, error) {
	run.Keep(faultyKept{})
	return p.learned()
}

func (p *pointed) Start(run *Run) (Pending, bool) {
	run.End(p.learned())
	return ended{}, true
}

func (*pointed) Footprint(string) Footprint {
	return Footprint{Probes: 1, Places: []Place{{Option: "target", Network: "tcp", Host: "localhost", Port: 1}}}
}

func newPointed() *pointed { return &pointed{Kept: "default"} }

// TestCheck_PanicsOutsideMeasure: whatever of a kind's code panics, the run is broken,
// ends once, and the process continues.
func TestCheck_PanicsOutsideMeasure(t *testing.T) {
	k := NewKind(Kind{Name: "pointed", Target: "ANY", Example: "x", Doc: "panics"}, newPointed)
	for _, does := range []string{"headline", "marshal", "error"} {
		for _, addresses := range []string{"first", "each"} {
			c, err := k.New(&Env{}, "x", []byte(`{"does":"`+does+`","addresses":"`+addresses+`"}`))
			if err != nil {
				t.Fatal(err)
			}
			results := []wire.Result{c.Run(t.Context(), time.Minute, nil)}
			if err := c.Close(); err == nil || !strings.Contains(err.Error(), "panic: a fault") {
				t.Errorf("%s, %s: closed with %v", does, addresses, err)
			}
			if p, ok := c.Begin(func(r wire.Result) { results = append(results, r) }); ok {
				p.Stop(errors.New("over"))
			}
			if want := 2 - strings.Count(addresses, "each"); len(results) != want {
				t.Errorf("%s, %s: %d results", does, addresses, len(results))
			}
			for _, r := range results {
				if r.Outcome != wire.Broken || r.Failure != wire.BrokenInternal || !strings.Contains(r.Error, "panic in the pointed probe") {
					t.Errorf("%s, %s: %+v", does, addresses, r)
				}
			}
		}
	}
}

// TestKind_ByPointer: a kind whose probe and details are pointers works as any other,
// with its defaults, and details that are nil are none.
func TestKind_ByPointer(t *testing.T) {
	k := NewKind(Kind{Name: "pointed", Target: "ANY", Example: "x", Doc: "does"}, newPointed)
	if !slices.ContainsFunc(k.Options, func(f Field) bool { return f.Path == "kept" && f.Default == "default" }) {
		t.Errorf("options %+v", k.Options)
	}
	for does, want := range map[string]string{"": `{"text":"default"}`, "nothing": ""} {
		c, err := k.New(&Env{}, "x", []byte(`{"does":"`+does+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		begun := make(chan wire.Result, 1)
		if _, ok := c.Begin(func(r wire.Result) { begun <- r }); !ok {
			t.Fatal("not begun")
		}
		for _, r := range []wire.Result{c.Run(t.Context(), time.Minute, nil), <-begun} {
			if r.Outcome != wire.OK || string(r.Details) != want {
				t.Errorf("%+v", r)
			}
		}
	}
	var w strings.Builder
	if err := k.Report([]byte("null"), &w); err != nil || w.String() != "" {
		t.Errorf("%q, %v", w.String(), err)
	}
}

// TestKind_Unusable: a type that cannot hold options is refused with the reason.
func TestKind_Unusable(t *testing.T) {
	about := Kind{Name: "foreign", Target: "ANY", Example: "x", Doc: "does"}
	for name, k := range map[string]Kind{
		"an interface":  NewKind(about, func() Probe[noDetails] { return faulty{} }),
		"a nil pointer": NewKind(about, func() *pointed { return nil }),
	} {
		_, err := k.New(&Env{}, "x", nil)
		if err == nil || !strings.Contains(err.Error(), `kind "foreign": its probe must be a struct or a pointer to one`) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// outside is a kind that panics where no run is.
type outside struct {
	Common
	where *string
}

func (o outside) Validate(string) error { return o.panicIn("Validate") }
func (o outside) Ready(*Env) error      { return o.panicIn("Ready") }
func (o outside) Footprint(target string) Footprint {
	o.panicIn("Footprint")
	return TargetFootprint("tcp", "127.0.0.1:1", "1")
}
func (outside) Measure(context.Context, *Run) (outsideDetails, error) {
	return outsideDetails{}, nil
}

func (o outside) panicIn(what string) error {
	if *o.where == what {
		panic("a fault")
	}
	return nil
}

type outsideDetails struct{}

func (outsideDetails) Headline() Headline { return Headline{} }
func (outsideDetails) Report(io.Writer)   { panic("a fault") }

// TestKind_PanicsWhereNoRunIs: a kind of somebody else's that panics in Validate,
// Footprint, Ready or Report is an error that names it; nothing ends by it.
func TestKind_PanicsWhereNoRunIs(t *testing.T) {
	where := ""
	k := NewKind(Kind{Name: "outside", Target: "ANY", Example: "x", Doc: "panics"}, func() outside { return outside{where: &where} })
	m := wire.Monitor{Name: "m", Kind: "outside", Target: "x"}
	if err := (List{k}).CheckMonitor(m); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		where string
		do    func() error
	}{
		{"Validate", func() error { return List{k}.CheckMonitor(m) }},
		{"Footprint", func() error { return List{k}.CheckMonitor(m) }},
		{"Ready", func() error { return k.Ready(nil) }},
		{"Report", func() error { return k.Report([]byte("{}"), io.Discard) }},
	} {
		where = c.where
		if err := c.do(); err == nil || !strings.Contains(err.Error(), "kind: ") || !strings.Contains(err.Error(), "panic in the outside probe: a fault") {
			t.Errorf("%s: %v", c.where, err)
		}
	}
}
