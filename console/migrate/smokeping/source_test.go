package smokeping_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"netmon/console/migrate/migratetest"
	"netmon/console/migrate/smokeping"
)

var update = flag.Bool("update", false, "rewrite testdata")

func TestSource(t *testing.T) {
	found := migratetest.Golden(t, smokeping.Source(), *update, "smokeping", "config")
	if found.Checks() != 17 {
		t.Errorf("%d checks, want 17: each section with a host, without the graph of several", found.Checks())
	}
}

func TestSource_Mistakes(t *testing.T) {
	migratetest.Mistakes(t, smokeping.Source(), map[string]string{
		"probe = FPing\n":                          "file:1: want *** NAME *** before it",
		"*** Targets ***\n++ deep\n":               "file:2: it is at level 2, and the section before it at 0",
		"*** Targets ***\n+ a\n+ a\n":              `file:3: section "a" is given a second time here`,
		"*** Targets ***\n+\n":                     "file:2: the section has no name",
		"*** Targets ***\n@include nowhere/at/all": `file:2: "nowhere/at/all" is not there`,
		strings.Repeat("@define a b\n", 300) + "x": "file:301: want *** NAME *** before it",
		defines(201):                               "file:201: over 200 names are defined",
	})
}

func defines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "@define a%d b\n", i)
	}
	return b.String()
}

// TestSource_ManyPings: what does not fit into a step is sent faster, as SmokePing's fping
// would otherwise not be done when the next one begins.
func TestSource_ManyPings(t *testing.T) {
	m := migratetest.One(t, smokeping.Source(), "*** Database ***\nstep = 10\npings = 20\n*** Targets ***\nprobe = FPing\n+ a\nhost = 192.0.2.1\n", "a")
	if got, want := string(m.Options), `{"count":20,"interval":"400ms","wait":"1s"}`; got != want || m.Every.String() != "10s" {
		t.Errorf("every %s, options %s, want 10s and %s", m.Every, got, want)
	}
}

// TestSource_Wait: a reply counts as long as with fping from 4.0 on.
func TestSource_Wait(t *testing.T) {
	for vars, want := range map[string]string{
		"": "1s", "hostinterval = 0.5": "500ms", "hostinterval = 10": "2s", "timeout = 1.5": "1.5s",
	} {
		m := migratetest.One(t, smokeping.Source(), "*** Database ***\nstep = 300\npings = 2\n*** Probes ***\n+ FPing\n"+vars+"\n*** Targets ***\nprobe = FPing\n+ a\nhost = 192.0.2.1\n", "a")
		if !strings.Contains(string(m.Options), `"wait":"`+want+`"`) {
			t.Errorf("%q: options %s, want a wait of %s", vars, m.Options, want)
		}
	}
}

func TestSecrets(t *testing.T) {
	curl := func(vars string) string {
		return "*** Probes ***\n+ Curl\n" + vars + "\n*** Targets ***\nprobe = Curl\n+ a\nhost = h.example.com\n"
	}
	migratetest.NoSecret(t, smokeping.Source(), map[string]string{
		"urlformat":   curl("urlformat = https://anna:S3CRET@%host%/"),
		"query":       curl("urlformat = https://%host%/?key=S3CRET"),
		"user":        curl("urlformat = https://%host%/\nextraargs = -u anna:S3CRET"),
		"header":      curl("urlformat = https://%host%/\nextrare = /;/\nextraargs = -H;X-Vault: S3CRET"),
		"other":       curl("urlformat = https://%host%/\nextraargs = --oauth2-bearer=S3CRET"),
		"other apart": curl("urlformat = https://%host%/\nextraargs = --oauth2-bearer S3CRET"),
	})
}

func FuzzSource(f *testing.F) {
	migratetest.Fuzz(f, smokeping.Source(), "*** Targets ***\nprobe = FPing\n+ a\nhost = a\n", "@define a aa\n*** T ***\na = a\n",
		"*** Probes ***\n+ Curl\nurlformat = http://%host%\n*** Targets ***\nprobe=Curl\n+ x\nhost = h\nextraargs = -u a:b -H x: y\n")
}
