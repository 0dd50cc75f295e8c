package prometheus

import (
	"fmt"
	"regexp"
	"strings"

	"netmon/console/migrate"
)

// rule is one of relabel_configs
// (https://prometheus.io/docs/prometheus/latest/configuration/configuration/#relabel_config).
type rule struct {
	action, separator, target, replacement string
	source                                 []string
	re                                     *regexp.Regexp
}

func newRule(f *migrate.Fields) (rule, error) {
	r := rule{action: "replace", separator: ";", replacement: "$1", target: f.Text("target_label"), source: f.Texts("source_labels")}
	if f.Has("action") {
		r.action = strings.ToLower(f.Text("action"))
	}
	if f.Has("separator") {
		r.separator = f.Text("separator")
	}
	if f.Has("replacement") {
		r.replacement = f.Text("replacement")
	}
	text := "(.*)"
	if f.Has("regex") {
		text = f.Text("regex")
	}
	re, err := regexp.Compile("^(?s:" + text + ")$")
	if err != nil {
		return r, fmt.Errorf("regex: %w", err)
	}
	r.re = re
	switch r.action {
	case "replace", "keep", "drop", "keepequal", "dropequal", "labelmap", "labeldrop", "labelkeep", "lowercase", "uppercase":
		return r, nil
	}
	return r, fmt.Errorf("action %q: netmon import does not follow it", r.action)
}

// relabel follows rules; false says that the target is dropped.
func relabel(rules []rule, labels map[string]string) (map[string]string, bool) {
	for _, r := range rules {
		var values []string
		for _, name := range r.source {
			values = append(values, labels[name])
		}
		value := strings.Join(values, r.separator)
		switch r.action {
		case "replace":
			r.replace(labels, value)
		case "lowercase":
			labels[r.target] = strings.ToLower(value)
		case "uppercase":
			labels[r.target] = strings.ToUpper(value)
		case "keep", "drop":
			if r.re.MatchString(value) != (r.action == "keep") {
				return labels, false
			}
		case "keepequal", "dropequal":
			if (labels[r.target] == value) != (r.action == "keepequal") {
				return labels, false
			}
		default:
			labels = r.names(labels)
		}
	}
	return labels, true
}

// replace sets a label where the value fits; to nothing, it is taken away.
func (r rule) replace(labels map[string]string, value string) {
	at := r.re.FindStringSubmatchIndex(value)
	if at == nil {
		return
	}
	target := string(r.re.ExpandString(nil, r.target, value, at))
	if is := string(r.re.ExpandString(nil, r.replacement, value, at)); is != "" {
		labels[target] = is
	} else {
		delete(labels, target)
	}
}

// names are the labels by rules about their names.
func (r rule) names(labels map[string]string) map[string]string {
	out := map[string]string{}
	for name, value := range labels {
		fits := r.re.MatchString(name)
		switch {
		case r.action == "labelmap":
			out[name] = value
		case fits == (r.action == "labelkeep"):
			out[name] = value
		}
	}
	if r.action == "labelmap" {
		for name, value := range labels {
			if r.re.MatchString(name) {
				out[r.re.ReplaceAllString(name, r.replacement)] = value
			}
		}
	}
	return out
}
