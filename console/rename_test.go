package console_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"netmon/console"
	"netmon/probes/kinds"
	"netmon/wire"
)

// TestOps_RenameWhileAnotherEdits: what another console saves under the old name while it is
// renamed is saved under the new one.
func TestOps_RenameWhileAnotherEdits(t *testing.T) {
	for name, c := range map[string]struct {
		other func(m *opsMesh, is wire.Saved) error
		want  string // a part of the error
		both  bool   // both names are there
	}{
		"edits it": {other: func(m *opsMesh, is wire.Saved) error {
			is.Target = "h:2"
			_, err := m.Edit(t.Context(), is)
			return err
		}},
		"deletes it": {want: "somebody else deleted or renamed web meanwhile", other: func(m *opsMesh, is wire.Saved) error {
			_, err := m.Delete(t.Context(), is.Name, console.DeleteOptions{})
			return err
		}},
		"edits both": {want: "under both names", both: true, other: func(m *opsMesh, is wire.Saved) error {
			is.Target = "h:2"
			if _, err := m.Edit(t.Context(), is); err != nil {
				return err
			}
			is.Name, is.Target, is.Revision, is.Edition = "shop", "h:3", 0, 0
			_, err := m.Add(t.Context(), is)
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newOpsMesh(t)
			_, err := m.Add(t.Context(), wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: "tcp", Target: "h:1"}})
			m.must(err)
			store, err := m.cl.Monitors(t.Context())
			m.must(err)
			done := false
			ops := m.cl.Ops(console.Checks{Monitor: func(x wire.Monitor) error { // between reading the old one and saving the new one
				if x.Name == "shop" && !done {
					done = true
					was, err := store.Find(t.Context(), "web")
					m.must(err)
					m.must(c.other(m, was))
				}
				return kinds.All().CheckMonitor(x)
			}})
			_, err = ops.Rename(t.Context(), "web", "shop")
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) && !errors.As(err, new(*console.ExistsError))) {
				t.Fatalf("%v, want %q", err, c.want)
			}
			list, err := store.List(t.Context())
			m.must(err)
			names := []string{}
			for _, s := range list {
				names = append(names, s.Name+" "+s.Target)
			}
			want := []string{"shop h:2"}
			switch {
			case c.both:
				want = []string{"shop h:3", "web h:2"}
			case c.want != "":
				want = []string{"shop h:1"}
			}
			if !slices.Equal(names, want) {
				t.Errorf("saved: %q, want %q", names, want)
			}
		})
	}
}
