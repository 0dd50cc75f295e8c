package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"netmon/internal/need"
)

// TestUnits checks the systemd units against systemd itself: no unknown setting,
// and little left that a broken process could do to its host.
func TestUnits(t *testing.T) {
	units, err := filepath.Glob("../packaging/systemd/*.service")
	if err != nil || len(units) != 3 {
		t.Fatalf("units %q, error %v", units, err)
	}
	for _, unit := range units {
		t.Run(filepath.Base(unit), func(t *testing.T) {
			data, err := os.ReadFile(unit)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(data)) {
				if command, ok := strings.CutPrefix(line, "ExecStart=/usr/local/bin/"); ok {
					checkCommand(t, strings.Fields(command))
				}
			}
			analyze := need.Tool(t, "systemd-analyze", "systemd")
			copied := filepath.Join(t.TempDir(), filepath.Base(unit))
			here := bytes.ReplaceAll(data, []byte("/usr/local/bin/netmon"), []byte("/bin/true")) // it must exist
			if err := os.WriteFile(copied, here, 0o644); err != nil {
				t.Fatal(err)
			}
			if out := do(t, 0, analyze, "verify", copied); strings.Contains(out, filepath.Base(unit)) {
				t.Errorf("systemd-analyze verify:\n%s", out)
			}
			do(t, 0, analyze, "security", "--offline=true", "--threshold=16", "--no-pager", copied) // tenths: exposure 1.6 is "OK"
		})
	}
}

// TestCompose wants a volume for whatever keeps something: an agent its results, a
// controller its history. They outlive the container.
func TestCompose(t *testing.T) {
	type service struct {
		Command []string `yaml:"command"`
		Volumes []string `yaml:"volumes"`
	}
	services := map[string]service{}
	for _, path := range []string{"../docker-compose.yml", "../docker-compose.cluster.yml"} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Services map[string]service `yaml:"services"`
			Volumes  map[string]any     `yaml:"volumes"`
		}
		if err := yaml.Unmarshal(data, &file); err != nil {
			t.Fatal(err)
		}
		for name, s := range file.Services { // the second file is laid over the first
			all := services[name]
			if len(s.Command) > 0 {
				all.Command = s.Command
			}
			all.Volumes = append(all.Volumes, s.Volumes...)
			services[name] = all
		}
	}
	kept := 0
	for name, s := range services {
		if len(s.Command) < 2 || s.Command[0] == "netmon" && s.Command[1] == "apply" || s.Command[0] == "netmon-targets" {
			continue
		}
		kept++
		if !slices.Contains(s.Volumes, name+":/state") {
			t.Errorf("service %s runs %q, and has no volume for what it keeps: %q", name, s.Command, s.Volumes)
		}
	}
	if kept != 7 {
		t.Errorf("%d services keep something, want 3 servers, 3 agents and a controller", kept)
	}
}

// TestManifests reads the files for Kubernetes, and where there is a kubectl
// checks them against the API's own types.
func TestManifests(t *testing.T) {
	const path = "../packaging/kubernetes/netmon.yaml"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]map[string]any{}
	for text := range strings.SplitSeq(string(data), "\n---\n") {
		var object map[string]any
		if err := yaml.UnmarshalWithOptions([]byte(text), &object, yaml.Strict()); err != nil {
			t.Fatal(err)
		}
		kind := fmt.Sprint(object["kind"])
		kinds[kind] = object
		switch kind {
		case "Namespace", "Service":
		default:
			checkWorkload(t, kind, object)
			checkTypes(t, kind, text, object)
		}
	}
	if len(kinds) != 4 || kinds["DaemonSet"] == nil || kinds["StatefulSet"] == nil || kinds["Service"] == nil {
		t.Fatalf("want a Namespace, a Service, a StatefulSet and a DaemonSet, got %d kinds", len(kinds))
	}
	if selector, labels := at(kinds["Service"], "spec", "selector"), at(kinds["StatefulSet"], "spec", "template", "metadata", "labels"); selector != labels {
		t.Errorf("the Service selects %s, and the broker is %s", selector, labels)
	}
	if bytes.Contains(data, []byte("nats://")) || bytes.Contains(data, []byte("--insecure")) {
		t.Error("something is open to whoever comes")
	}
	if got := fmt.Sprint(containerOf(kinds["DaemonSet"])["env"]); got != "[map[name:NETMON_JOIN valueFrom:map[secretKeyRef:map[key:line name:netmon-join]]]]" {
		t.Errorf("the agents' environment is %s", got)
	}
}

// TestManifests_Monitors: the ConfigMap is the one that the broker's pod has where its
// controller looks, and netmon takes every file in it.
func TestManifests_Monitors(t *testing.T) {
	data, err := os.ReadFile("../packaging/kubernetes/monitors.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string `yaml:"kind"`
		Metadata   struct {
			Name, Namespace string
			Labels          map[string]string
		}
		Data map[string]string
	}
	if err := yaml.UnmarshalWithOptions(data, &m, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	if m.APIVersion != "v1" || m.Kind != "ConfigMap" || m.Metadata.Namespace != "netmon" || len(m.Data) == 0 {
		t.Errorf("it is %+v", m)
	}
	dir := t.TempDir()
	for name, text := range m.Data {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	netmonDo(t, 0, "validate", "-f", dir)

	manifests, err := os.ReadFile("../packaging/kubernetes/netmon.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for text := range strings.SplitSeq(string(manifests), "\n---\n") {
		var object map[string]any
		if err := yaml.Unmarshal([]byte(text), &object); err != nil {
			t.Fatal(err)
		}
		if object["kind"] != "StatefulSet" {
			continue
		}
		command := commandOf(object)
		i := slices.Index(command, "--monitors")
		if i < 0 {
			t.Fatalf("the broker runs %q", command)
		}
		volume := ""
		for _, mount := range containerOf(object)["volumeMounts"].([]any) {
			if at(mount, "mountPath") == command[i+1] && at(mount, "subPath") == "<nil>" {
				volume = at(mount, "name")
			}
		}
		found := false
		for _, v := range object["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)["volumes"].([]any) {
			found = found || at(v, "name") == volume && at(v, "configMap", "name") == m.Metadata.Name && at(v, "configMap", "optional") == "true"
		}
		if !found {
			t.Errorf("nothing mounts the ConfigMap %s at %s", m.Metadata.Name, command[i+1])
		}
	}
}

// containerOf is the first container of a workload.
func containerOf(object map[string]any) map[string]any {
	spec := object["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)
	return spec["containers"].([]any)[0].(map[string]any)
}

// commandOf is what it runs.
func commandOf(object map[string]any) (words []string) {
	for _, word := range containerOf(object)["command"].([]any) {
		words = append(words, fmt.Sprint(word))
	}
	return words
}

// at is the value behind a path of keys, as text.
func at(v any, path ...string) string {
	for _, key := range path {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return fmt.Sprint(v)
}

// checkWorkload looks at what the API's types leave open.
func checkWorkload(t *testing.T, kind string, object map[string]any) {
	t.Helper()
	if selector, labels := at(object, "spec", "selector", "matchLabels"), at(object, "spec", "template", "metadata", "labels"); selector != labels {
		t.Errorf("%s: selector %s, labels %s", kind, selector, labels)
	}
	spec := object["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)
	for _, c := range spec["containers"].([]any) {
		c := c.(map[string]any)
		var command []string
		for _, word := range c["command"].([]any) {
			command = append(command, fmt.Sprint(word))
		}
		checkCommand(t, command)
		for _, key := range []string{"readOnlyRootFilesystem", "allowPrivilegeEscalation"} {
			if got := at(c, "securityContext", key); (got == "true") != (key == "readOnlyRootFilesystem") {
				t.Errorf("%s: %s is %s", kind, key, got)
			}
		}
		if at(c, "resources", "limits", "memory") == "<nil>" {
			t.Errorf("%s: no limit of memory", kind)
		}
	}
}

// checkTypes lets kubectl decode a manifest, which drops what the API's types
// do not know, and looks for every field in what it writes again.
func checkTypes(t *testing.T, kind, text string, object map[string]any) {
	t.Helper()
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		t.Logf("no kubectl: the fields of %s are not held against the API's types", kind)
		return
	}
	path := filepath.Join(t.TempDir(), kind+".yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	var again map[string]any
	out := do(t, 0, kubectl, "set", "env", "--local", "-f", path, "-o", "yaml", "--dry-run=client", "CHECKED=yes")
	if err := yaml.Unmarshal([]byte(out), &again); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	missing(t, kind, object, again)
}

func missing(t *testing.T, path string, want, have any) {
	t.Helper()
	switch want := want.(type) {
	case map[string]any:
		have, _ := have.(map[string]any)
		for key, v := range want {
			missing(t, path+"."+key, v, have[key])
		}
	case []any:
		have, _ := have.([]any)
		for i, v := range want {
			if i >= len(have) {
				t.Errorf("%s[%d] is not known", path, i)
				continue
			}
			missing(t, fmt.Sprintf("%s[%d]", path, i), v, have[i])
		}
	default:
		if fmt.Sprint(want) != fmt.Sprint(have) {
			t.Errorf("%s is not known: wrote %v, kubectl reads %v", path, want, have)
		}
	}
}

// TestComposeCommands checks the commands of docker-compose.yml.
func TestComposeCommands(t *testing.T) {
	for _, name := range []string{"docker-compose.yml", "docker-compose.cluster.yml"} {
		data, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Services map[string]struct{ Command []string }
		}
		if err := yaml.Unmarshal(data, &file); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(file.Services) < 6 {
			t.Errorf("%s has %d services", name, len(file.Services))
		}
		for _, s := range file.Services {
			if len(s.Command) > 0 && s.Command[0] == "netmon" {
				checkCommand(t, s.Command)
			}
		}
	}
}

// checkCommand looks for each flag of a command of netmon in its help.
func checkCommand(t *testing.T, words []string) {
	t.Helper()
	if len(words) < 2 || words[0] != "netmon" {
		t.Fatalf("not a command of netmon: %q", words)
	}
	help := netmonDo(t, 0, words[1], "--help")
	for _, w := range words[2:] {
		if strings.HasPrefix(w, "-") && !regexp.MustCompile(`(^|[\s,])`+regexp.QuoteMeta(w)+`[\s,]`).MatchString(help) {
			t.Errorf("netmon %s has no flag %s", words[1], w)
		}
	}
}
