package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// ofThisTest are the modules of this test's own program.
func ofThisTest(t *testing.T) modules {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	m, err := modulesOf(path)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestBOM checks the list against the schema that CycloneDX publishes, which comes with
// their library.
func TestBOM(t *testing.T) {
	m := ofThisTest(t)
	text, err := m.bom("1.0.0+git1.abc", target{"linux", "amd64"}, noon)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := m.bom("1.0.0+git1.abc", target{"linux", "amd64"}, noon); err != nil || !bytes.Equal(text, again) {
		t.Errorf("the second one differs: %v", err)
	}
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	for url, name := range map[string]string{"http://cyclonedx.org/schema/bom-1.6.schema.json": "bom-1.6.schema.json", "http://cyclonedx.org/schema/spdx.schema.json": "spdx.schema.json", "http://cyclonedx.org/schema/jsf-0.82.schema.json": "jsf-0.82.schemax.json"} {
		f, err := os.Open(filepath.Join(strings.TrimSpace(string(dir)), "schema", name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		schema, err := jsonschema.UnmarshalJSON(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := compiler.AddResource(url, schema); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := compiler.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		t.Error(err)
	}
	var bom struct {
		Metadata struct {
			Timestamp string
			Component struct{ Version string }
		}
		Components []struct{ Name, Version, PURL string }
	}
	if err := json.Unmarshal(text, &bom); err != nil {
		t.Fatal(err)
	}
	if bom.Metadata.Timestamp != "2026-12-01T12:00:00Z" || bom.Metadata.Component.Version != "1.0.0+git1.abc" {
		t.Errorf("metadata %+v", bom.Metadata)
	}
	found := false
	for _, c := range bom.Components {
		found = found || c.Name == "github.com/CycloneDX/cyclonedx-go" && c.PURL == "pkg:golang/"+c.Name+"@"+c.Version
	}
	if !found || bom.Components[0].Name != "std" {
		t.Errorf("components %+v", bom.Components)
	}
}

// TestLicences: no module goes along without its terms.
func TestLicences(t *testing.T) {
	text, err := ofThisTest(t).licences()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Go, its standard library and runtime: LICENSE", "github.com/CycloneDX/cyclonedx-go: LICENSE", "github.com/CycloneDX/cyclonedx-go: NOTICE", "Apache License"} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("no %q", want)
		}
	}
	if found, err := writeLicences(new(bytes.Buffer), "a", t.TempDir()); err != nil || found {
		t.Errorf("an empty folder has a licence: %v", err)
	}
}

func TestFormula(t *testing.T) {
	t.Chdir("../..")
	r := release{out: t.TempDir(), version: "1.0.0", url: "https://example.org/v1.0.0/"}
	r.sums.add("netmon_1.0.0_linux_amd64.tar.gz", nil)
	if err := r.formula(); err != nil || r.sums.of("netmon.rb") != "" {
		t.Errorf("a formula of one system: %v", err)
	}
	for _, name := range []string{"linux_arm64", "darwin_amd64", "darwin_arm64"} {
		r.sums.add("netmon_1.0.0_"+name+".tar.gz", []byte(name))
	}
	if err := r.formula(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(r.out, "netmon.rb"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "@") || strings.Count(string(text), "sha256 \"") != 4 ||
		!strings.Contains(string(text), "url \"https://example.org/v1.0.0/netmon_1.0.0_darwin_arm64.tar.gz\"\n      sha256 \""+r.sums.of("netmon_1.0.0_darwin_arm64.tar.gz")) {
		t.Errorf("it is\n%s", text)
	}
}
