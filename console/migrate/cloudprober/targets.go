package cloudprober

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"netmon/console/migrate"
)

// endpoint is one target of a probe.
type endpoint struct {
	name, ip string
	port     int
	url      *url.URL
	labels   map[string]string
}

// maxShared is how deep shared targets may refer to shared targets.
const maxShared = 10

// targets are those of a probe in the file from; an error says why they are not known.
func (i *importer) targets(f *migrate.Fields, from string, depth int) ([]endpoint, error) {
	if depth > maxShared {
		return nil, fmt.Errorf("its shared_targets refer to themselves")
	}
	if f == nil {
		return nil, fmt.Errorf("it has no targets")
	}
	if name := f.Text("shared_targets"); name != "" {
		shared, ok := i.shared[name]
		if !ok {
			return nil, fmt.Errorf("shared_targets %q is not in the files given", name)
		}
		return i.targets(shared, from, depth+1)
	}
	for _, kind := range []string{"k8s", "gce_targets", "rds_targets"} {
		if f.Has(kind) {
			return nil, fmt.Errorf("its targets are not in the file (%s): write each as a monitor", kind)
		}
	}
	var all []endpoint
	for name := range strings.SplitSeq(f.Text("host_names"), ",") {
		if name = strings.TrimSpace(name); name != "" {
			all = append(all, static(name))
		}
	}
	for _, e := range f.Objects("endpoint") {
		one := endpoint{name: e.Text("name"), ip: e.Text("ip"), port: e.Number("port", 0), labels: pairs(e, "labels")}
		if text := e.Text("url"); text != "" {
			u, err := url.Parse(text)
			if err != nil || u.Host == "" {
				return nil, fmt.Errorf("endpoint %s: its url is none", one.name)
			}
			one.url = u
		}
		all = append(all, one)
	}
	if f.Has("file_targets") {
		listed, err := i.listed(f.Object("file_targets"), from)
		if err != nil {
			return nil, err
		}
		all = append(all, listed...)
	}
	f.Skip("exclude_lameducks")
	if pattern := f.Text("regex"); pattern != "" {
		re, err := regexp.Compile(pattern)
		if err != nil {
			return nil, fmt.Errorf("targets.regex: %w", err)
		}
		all = slices.DeleteFunc(all, func(e endpoint) bool { return !re.MatchString(e.name) })
	}
	if f.Has("dummy_targets") {
		f.Object("dummy_targets")
		all = append(all, endpoint{})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("it has no targets")
	}
	for _, e := range all {
		if strings.ContainsAny(e.name+e.ip, "{}$ ") {
			return nil, fmt.Errorf("its targets are filled in while it runs: %s", e.name)
		}
	}
	return all, nil
}

// static is a name of host_names, which may have a port.
func static(name string) endpoint {
	if host, port, err := net.SplitHostPort(name); err == nil {
		if n, err := strconv.Atoi(port); err == nil {
			return endpoint{name: host, port: n}
		}
	}
	return endpoint{name: strings.Trim(name, "[]")}
}

// pairs is a map: an object in YAML and JSON, a list of key and value in text.
func pairs(f *migrate.Fields, name string) map[string]string {
	out := map[string]string{}
	if f == nil {
		return out
	}
	switch v := f.Raw(name).(type) {
	case nil:
	case map[string]any:
		if _, entry := v["key"]; entry && len(v) <= 2 {
			addPair(out, v)
			break
		}
		maps.Copy(out, f.Map(name))
	case []any:
		for _, e := range v {
			if m, ok := e.(map[string]any); ok {
				addPair(out, m)
			}
		}
	}
	f.Skip(name)
	return out
}

func addPair(out map[string]string, v map[string]any) {
	f := migrate.NewFields(v)
	out[f.Text("key")] = f.Text("value")
}

// host is what is connected to.
func (e endpoint) host() string {
	if e.ip != "" {
		return e.ip
	}
	if e.url != nil {
		return e.url.Hostname()
	}
	return e.name
}

var substitution = regexp.MustCompile(`@([a-z_.A-Z0-9-]*)@`)

// fill replaces @target@ and its like. ok is false where one is not known.
func (e endpoint) fill(text, probe string) (out string, ok bool) {
	ok = true
	out = substitution.ReplaceAllStringFunc(text, func(found string) string {
		name := strings.Trim(found, "@")
		if label, is := strings.CutPrefix(name, "target.label."); is {
			return e.labels[label]
		}
		switch name {
		case "":
			return "@"
		case "target", "target.name":
			return e.name
		case "address", "target.ip":
			return e.host()
		case "port", "target.port":
			return strconv.Itoa(e.port)
		case "probe":
			return probe
		}
		ok = false
		return found
	})
	return out, ok && !strings.Contains(out, "{{")
}
