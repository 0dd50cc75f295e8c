package output

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

type item struct {
	Name string `json:"name"`
	N    int    `json:"n"`
}

func TestList_InItsForms(t *testing.T) {
	items := []item{{"a<b", 1}, {"\u202e", 2}}
	for form, want := range map[string]string{
		"ndjson": `{"name":"a<b","n":1}` + "\n" + `{"name":"\u202e","n":2}` + "\n",
		"json": `{
  "apiVersion": "netmon/v1",
  "kind": "Items",
  "items": [
    {
      "name": "a<b",
      "n": 1
    },
    {
      "name": "\u202e",
      "n": 2
    }
  ]
}
`,
	} {
		var b strings.Builder
		if known, err := List(&b, form, "Items", items); !known || err != nil || b.String() != want {
			t.Errorf("%s: %v, %v\n%s\nwant\n%s", form, known, err, b.String(), want)
		}
	}
	var b bytes.Buffer
	if known, err := List(&b, "xml", "Items", items); known || err != nil || b.Len() > 0 {
		t.Errorf("xml: %v, %v, %q", known, err, b.String())
	}
	if _, err := List[item](&b, "json", "Items", nil); err != nil || !strings.Contains(b.String(), `"items": []`) {
		t.Errorf("an empty list: %q, %v", b.String(), err)
	}
}

// TestYAML_OfWhatDoesNotPrint is read back as it was, and shows nothing strange.
func TestYAML_OfWhatDoesNotPrint(t *testing.T) {
	want := []item{{"plain", 1}, {"\x1b[2J\u202e\U0001f600\u0085", 2}}
	var b bytes.Buffer
	if err := YAML(&b, want); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\x1b\u202e\u0085") {
		t.Errorf("%q", b.String())
	}
	var got []item
	if err := yaml.Unmarshal(b.Bytes(), &got); err != nil || !slices.Equal(got, want) {
		t.Errorf("%q is read as %+v (%v), want %+v", b.String(), got, err, want)
	}
}

// TestYAML_OfTabs is read back as it was: the reader of YAML leaves out tabs within a line.
func TestYAML_OfTabs(t *testing.T) {
	for _, text := range []string{"a\tb", "\ta", "a\t", "a\t\tb\nc\td\n", "\t"} {
		want := []item{{text, 1}, {"plain", 2}}
		var b bytes.Buffer
		if err := YAML(&b, want); err != nil {
			t.Fatal(err)
		}
		var got []item
		if err := yaml.Unmarshal(b.Bytes(), &got); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q is read as %+v (%v), want %+v", b.String(), got, err, want)
		}
	}
}

func TestTableAndCSV(t *testing.T) {
	titles, rows := []string{"NAME", "IN USE"}, [][]string{{"a", "*"}, {"long\x1b", ""}}
	var b strings.Builder
	if err := Table(&b, titles, slices.Values(rows)); err != nil || b.String() != "NAME      IN USE\na         *\nlong\\x1b  \n" {
		t.Errorf("%q %v", b.String(), err)
	}
	b.Reset()
	if err := CSV(&b, titles, slices.Values(rows)); err != nil || b.String() != "name,in_use\na,*\nlong\\x1b,\n" {
		t.Errorf("%q %v", b.String(), err)
	}
}
