package wire

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestParsePlacement(t *testing.T) {
	for text, want := range map[string]Selectors{
		"all":                         {"all"},
		"paris,tokyo":                 {"paris", "tokyo"},
		"3 of all":                    {"3 of all"},
		"3 of region=eu":              {"3 of region=eu"},
		"  2  of  paris, tokyo,rome ": {"2 of paris,tokyo,rome"},
		"02 of region=eu,tier=edge;x": {"2 of region=eu,tier=edge,x"},
		"500 of region=eu;region=us":  {"500 of region=eu;region=us"},
		"1 of of":                     {"1 of of"},
	} {
		got, err := ParsePlacement(text)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("ParsePlacement(%q) = %q, %v, want %q", text, []string(got), err, []string(want))
		}
	}
	for text, want := range map[string]string{
		"0 of region=eu":                `with N from 1 to 500, got "0 of region=eu"`,
		"-1 of all":                     `with N from 1 to 500, got "-1 of all"`,
		"501 of all":                    `with N from 1 to 500, got "501 of all"`,
		"9999999999999999999999 of all": `with N from 1 to 500`,
		"three of eu":                   `N is a whole number from 1 to 500, got "three of eu"`,
		"1.5 of all":                    `N is a whole number`,
		"3 off eu":                      `want N of AGENTS, such as 3 of region=eu or 2 of all, got "3 off eu"`,
		"3 region=eu":                   `got "3 region=eu"`,
		"3 of":                          `it does not say of which agents, got "3 of"`,
		"3 of 2 of all":                 `it has two numbers of agents`,
		"3 of region=":                  `got "3 of region=": label region: want 1 to 64 bytes`,
		"3 of paris,":                   `is empty`,
		"tokyo,3 of region=eu":          `stands alone`,
	} {
		if _, err := ParsePlacement(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParsePlacement(%q) = %v, want an error with %q", text, err, want)
		}
	}
	if _, err := ParseSelectors("2 of all"); err == nil || !strings.Contains(err.Error(), `only where a monitor is placed (netmon add --on, agents in a file), got "2 of all"`) {
		t.Errorf("ParseSelectors: %v", err)
	}
}

func TestSome_JSON(t *testing.T) {
	for in, want := range map[string]string{
		`"3 of region=eu"`:     `"3 of region=eu"`,
		`["3  of region=eu"]`:  `"3 of region=eu"`,
		`"2 of paris, tokyo"`:  `"2 of paris,tokyo"`,
		`"3 off eu"`:           "agents[0]: want N of AGENTS",
		`["3 of all","paris"]`: `agents[0]: "3 of all" stands alone`,
		`"0 of all"`:           `agents[0]: want N of AGENTS`,
	} {
		m, err := DecodeSaved([]byte(`{"name":"web","kind":"tcp","target":"h:1","chosen":["paris"],"agents":`+in+`}`), 7)
		if err != nil {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", in, err, want)
			}
			continue
		}
		got, _ := json.Marshal(m.Agents)
		if string(got) != want || m.Chosen != nil {
			t.Errorf("%s became %s, chosen %v, want %s", in, got, m.Chosen, want)
		}
	}
	_, err := DecodeSaved([]byte(`{"name":"web","kind":"tcp","target":"h:1","except":"2 of all"}`), 7)
	if err == nil || !strings.Contains(err.Error(), "except: want all, ids or label=value") {
		t.Errorf("except: %v", err)
	}
}

// TestSome_Placed: on some of those that match runs who is chosen, and nobody else.
func TestSome_Placed(t *testing.T) {
	m := Saved{Agents: Selectors{"1 of region=eu,paris"}, Except: Selectors{"rome"}, Chosen: []string{"oslo"}}
	eu := map[string]string{"region": "eu"}
	for agent, want := range map[string][2]bool{"paris": {true, false}, "oslo": {true, true}, "rome": {false, false}} {
		labels := eu
		if agent == "paris" {
			labels = nil
		}
		if got := [2]bool{m.Matches(agent, labels), m.IsPlacedOn(agent, labels)}; got != want {
			t.Errorf("%s matches, is placed: %v, want %v", agent, got, want)
		}
	}
	if ids := m.Agents.IDs(); len(ids) > 0 {
		t.Errorf("it names %q", ids)
	}
	if n, of := m.Agents.Some(); n != 1 || of.String() != "region=eu,paris" {
		t.Errorf("Some() = %d, %s", n, of)
	}
}

// TestRank_IsStable: what is stored is compared with the order of other versions.
func TestRank_IsStable(t *testing.T) {
	if got := Rank("web", []string{"oregon", "paris", "rome", "tokyo"}); strings.Join(got, " ") != "rome paris tokyo oregon" {
		t.Errorf("Rank: %v", got)
	}
}

// TestRank_IsEven puts 1,000 monitors on 3 of 10 agents.
func TestRank_IsEven(t *testing.T) {
	var agents []string
	for i := range 10 {
		agents = append(agents, fmt.Sprintf("agent-%d", i))
	}
	count := map[string]int{}
	for i := range 1000 {
		order := Rank(fmt.Sprintf("web-%d", i), agents)
		for _, id := range order[:3] {
			count[id]++
		}
		// Without one agent the others stay in order.
		less := Rank(fmt.Sprintf("web-%d", i), agents[1:])
		if want := slices.DeleteFunc(slices.Clone(order), func(id string) bool { return id == agents[0] }); !slices.Equal(less, want) {
			t.Fatalf("without agent-0: %v, want %v", less, want)
		}
	}
	for _, id := range agents {
		if n := count[id]; n < 240 || n > 360 {
			t.Errorf("%s has %d of 3,000, want about 300", id, n)
		}
	}
}

func FuzzPlacement(f *testing.F) {
	for _, s := range []string{"all", "3 of region=eu", "0 of all", "-1 of x", "3 off eu", "2 of a,b;c=d", "3 of 3 of a", " 7  of  all ", "3 of"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParsePlacement(text)
		if err != nil {
			return
		}
		again, err := ParsePlacement(s.String())
		if err != nil || !slices.Equal(s, again) {
			t.Errorf("%q parses as %q, prints as %q, parses as %q (%v)", text, []string(s), s, []string(again), err)
		}
		if err := s.Validate(); err != nil {
			t.Errorf("%q is parsed, and not valid: %v", text, err)
		}
		data, err := json.Marshal(s)
		var back Selectors
		if err != nil || json.Unmarshal(data, &back) != nil || !slices.Equal(s, back) {
			t.Errorf("%q became %q by way of %s", []string(s), []string(back), data)
		}
		if n, of := s.Some(); s.IsSome() != (n > 0) || n > MaxSome || n > 0 && len(of) == 0 {
			t.Errorf("%q: %d of %q", text, n, []string(of))
		}
		s.Match("paris", map[string]string{"region": "eu"})
	})
}

func FuzzDecodePlacement(f *testing.F) {
	fuzzOn(f, "placement.json", DecodePlacement, func(p Placement) (string, error) { return PlacementSubject(p.Monitor) })
}

// TestSome_Schema: the schema of files takes what is valid, and nothing else.
func TestSome_Schema(t *testing.T) {
	forms, _ := Selectors{}.JSONSchema()["anyOf"].([]any)
	fits := func(text string) bool {
		return slices.ContainsFunc(forms, func(form any) bool {
			pattern, ok := form.(map[string]any)["pattern"].(string)
			return ok && regexp.MustCompile(pattern).MatchString(text)
		})
	}
	for n := -1; n <= MaxSome+10; n++ {
		text := fmt.Sprintf("%d of region=eu", n)
		_, err := ParsePlacement(text)
		if fits(text) != (err == nil) {
			t.Errorf("%q fits the schema: %v, and is read: %v", text, fits(text), err)
		}
	}
	for text, want := range map[string]bool{"all": true, "paris": true, "3 off eu": false, "3 of": false, "1000 of all": false, "region=eu": true} {
		if fits(text) != want {
			t.Errorf("%q fits the schema: %v", text, !want)
		}
	}
}

func TestLastSelector(t *testing.T) {
	for text, want := range map[string]string{"": "", "par": "par", "paris,to": "to", "region=eu;re": "re", "3 of re": "re", "3 of paris,to": "to", "3 o": "3 o", "a of b": "b"} {
		if got := text[LastSelector(text):]; got != want {
			t.Errorf("LastSelector(%q) leaves %q, want %q", text, got, want)
		}
	}
}
