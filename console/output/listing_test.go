package output

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

func listOf(items ...item) Listing[item] {
	return Listing[item]{Kind: "Items", Items: items, None: "nothing is there",
		Name:    func(i item) string { return i.Name },
		Columns: []Column[item]{{Title: "NAME", Cell: func(i item) string { return i.Name }}},
		Wide:    []Column[item]{{Title: "N", Cell: func(i item) string { return fmt.Sprint(i.N) }}},
		After:   func(w io.Writer) { fmt.Fprintln(w, "below") }}
}

func TestListing_Write(t *testing.T) {
	for _, c := range []struct {
		form      string
		list      Listing[item]
		out, talk string
	}{
		{"", listOf(item{"a\x1b", 1}), "NAME\na\\x1b\n", "below\n"},
		{"table", listOf(), "", "nothing is there\n"},
		{"wide", listOf(item{"a", 1}), "NAME  N\na     1\n", "below\n"},
		{"csv", listOf(item{"a", 1}), "name,n\na,1\n", ""},
		{"csv", listOf(), "name,n\n", ""},
		{"name", listOf(item{"a\x1b", 1}, item{"b", 2}), "a\\x1b\nb\n", ""},
		{"ndjson", listOf(item{"a", 1}), `{"name":"a","n":1}` + "\n", ""},
	} {
		var out, talk strings.Builder
		if err := c.list.Write(&out, &talk, c.form); err != nil || out.String() != c.out || talk.String() != c.talk {
			t.Errorf("%q of %v: %q and %q, %v; want %q and %q", c.form, c.list.Items, out.String(), talk.String(), err, c.out, c.talk)
		}
	}
}

func TestListing_FormsThatAreNotThere(t *testing.T) {
	for _, form := range append(Forms(), "") {
		if err := CheckForm(form); err != nil {
			t.Errorf("%q: %v", form, err)
		}
	}
	want := CheckForm("xml")
	if want == nil || !strings.HasSuffix(want.Error(), `, name, got "xml"`) {
		t.Errorf("xml: %v", want)
	}
	var out strings.Builder
	if err := listOf(item{"a", 1}).Write(&out, &out, "xml"); err == nil || err.Error() != want.Error() || out.Len() > 0 {
		t.Errorf("xml writes %q, %v; want %v", out.String(), err, want)
	}
}

func TestFollower_WritesWhatChanges(t *testing.T) {
	for form, want := range map[string][]string{
		"":       {"NAME\na\nb\n", "", "b\n", "a is gone\n"},
		"csv":    {"name,n\na,1\nb,2\n", "", "b,3\n", "a is gone\n"},
		"name":   {"a\nb\n", "", "b\n", "a is gone\n"},
		"ndjson": {`{"name":"a","n":1}` + "\n" + `{"name":"b","n":2}` + "\n", "", `{"name":"b","n":3}` + "\n", `{"deleted":true,"name":"a","n":1}` + "\n"},
	} {
		var out strings.Builder
		f := NewFollower[item](&out, form)
		for i, l := range []Listing[item]{listOf(item{"a", 1}, item{"b", 2}), listOf(item{"a", 1}, item{"b", 2}), listOf(item{"a", 1}, item{"b", 3}), listOf(item{"b", 3})} {
			out.Reset()
			if err := f.Next(l); err != nil || out.String() != want[i] {
				t.Errorf("%q, list %d: %q, %v; want %q", form, i, out.String(), err, want[i])
			}
		}
	}
}

// TestFollower_Steady looks at what the list says counts.
func TestFollower_Steady(t *testing.T) {
	var out strings.Builder
	f := NewFollower[item](&out, "name")
	for _, n := range []int{1, 2} {
		l := listOf(item{"a", n})
		l.Steady = func(i item) string { return i.Name }
		if err := f.Next(l); err != nil {
			t.Fatal(err)
		}
	}
	if out.String() != "a\n" {
		t.Errorf("%q", out.String())
	}
}
