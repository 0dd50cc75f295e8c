package prometheus

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"netmon/console/migrate"
)

// target is one of a job, with the labels that its group has.
type target struct {
	address string
	labels  map[string]string
	at      migrate.Place
}

// jobs reads the jobs of a document, and names those that measure nothing.
func (r *reader) jobs(doc migrate.Document, u usual) (others []string, err error) {
	for i, job := range doc.Fields().Objects("scrape_configs") {
		at := fmt.Sprintf("scrape_configs[%d]", i)
		name := job.Text("job_name")
		if !isProbe(job) {
			others = append(others, name)
			continue
		}
		j := newJob(job, name, u)
		targets, err := r.targets(doc, at, name, job)
		if err != nil {
			return nil, err
		}
		for _, t := range targets {
			r.check(j, t)
		}
	}
	return others, nil
}

// isProbe says whether a job has something measure: it says what, in the parameter target.
func isProbe(job *migrate.Fields) bool {
	if job.Object("params").Has("target") {
		return true
	}
	for _, rule := range job.Objects("relabel_configs") {
		if rule.Text("target_label") == "__param_target" || rule.Text("target_label") == "" && strings.Contains(rule.Text("replacement"), "__param_") {
			return path.Base(job.Text("metrics_path")) != "snmp"
		}
	}
	return false
}

// job is what the targets of a scrape configuration have in common.
type job struct {
	name   string
	labels map[string]string
	rules  []rule
	wrong  []string // rules that cannot be followed
}

func newJob(f *migrate.Fields, name string, u usual) job {
	text := func(field, absent string) string {
		if v := f.Text(field); v != "" {
			return v
		}
		return absent
	}
	interval := text("scrape_interval", u.interval)
	timeout := text("scrape_timeout", shorter(u.timeout, interval))
	j := job{name: name, labels: map[string]string{"job": name, "__metrics_path__": text("metrics_path", "/metrics"), "__scheme__": text("scheme", "http"),
		"__scrape_interval__": interval, "__scrape_timeout__": timeout}}
	params := f.Object("params")
	for _, p := range params.Names() {
		if values := params.Texts(p); len(values) > 0 {
			j.labels["__param_"+p] = values[0]
		}
	}
	for i, raw := range f.Objects("relabel_configs") {
		rule, err := newRule(raw)
		if err != nil {
			j.wrong = append(j.wrong, fmt.Sprintf("relabel_configs[%d]: %v", i, err))
			continue
		}
		j.rules = append(j.rules, rule)
	}
	return j
}

// targets are those of a job, by its files and its own list. Those that Prometheus finds
// while it runs are left out.
func (r *reader) targets(doc migrate.Document, at, name string, job *migrate.Fields) (out []target, err error) {
	for i, group := range job.Objects("static_configs") {
		out = append(out, groupOf(doc, fmt.Sprintf("%s.static_configs[%d]", at, i), group, nil)...)
	}
	for i, sd := range job.Objects("file_sd_configs") {
		here := doc.At("%s.file_sd_configs[%d]", at, i)
		for _, pattern := range sd.Texts("files") {
			files, err := r.in.Include(doc.File, pattern)
			if err != nil {
				return nil, err
			}
			if len(files) == 0 {
				r.found.Leave(here, fmt.Sprintf("the targets of %s (job %s)", pattern, name), "there is no such file")
			}
			for _, file := range files {
				more, err := groups(file)
				if err != nil {
					return nil, err
				}
				out = append(out, more...)
			}
		}
	}
	for _, field := range job.Names() {
		if strings.HasSuffix(field, "_sd_configs") && field != "file_sd_configs" {
			r.found.Leave(doc.At("%s.%s", at, field), fmt.Sprintf("the targets of %s (job %s)", field, name),
				"Prometheus finds them while it runs: it can ask netmon's /probe for them instead of blackbox_exporter, see docs/integrations.md")
		}
	}
	return out, nil
}

// groups are the targets of a file of file_sd_configs.
func groups(file migrate.File) (out []target, err error) {
	docs, err := file.Documents()
	if err != nil {
		return nil, err
	}
	for _, doc := range docs {
		list, ok := doc.Value.([]any)
		if !ok {
			return nil, fmt.Errorf("%s: want a list of groups of targets", doc.At(""))
		}
		for i, v := range list {
			all, ok := v.(map[string]any)
			if !ok {
				return nil, fmt.Errorf("%s: want targets and labels", doc.At("[%d]", i))
			}
			out = append(out, groupOf(doc, fmt.Sprintf("[%d]", i), migrate.NewFields(all), map[string]string{"__meta_filepath": file.Path})...)
		}
	}
	return out, nil
}

func groupOf(doc migrate.Document, at string, group *migrate.Fields, more map[string]string) (out []target) {
	labels := group.Map("labels")
	for i, address := range group.Texts("targets") {
		all := maps.Clone(more)
		if all == nil {
			all = map[string]string{}
		}
		maps.Copy(all, labels)
		out = append(out, target{address, all, doc.At("%s.targets[%d]", at, i)})
	}
	return out
}

// check makes a monitor of one target.
func (r *reader) check(j job, t target) {
	labels := maps.Clone(j.labels)
	maps.Copy(labels, t.labels)
	labels["__address__"] = t.address
	labels, kept := relabel(j.rules, labels)
	what := fmt.Sprintf("%s (job %s)", t.address, j.name)
	leave := func(why string) {
		r.found.Left = append(r.found.Left, migrate.Left{At: t.at, What: what, Why: why})
	}
	switch {
	case len(j.wrong) > 0:
		leave(strings.Join(j.wrong, "; "))
		return
	case !kept: // Prometheus does not scrape it either
		r.found.Remark(t.at, "relabel_configs of job %s drop some of its targets, as Prometheus does", j.name)
		return
	case labels["__param_target"] == "":
		leave("its relabel_configs give no __param_target")
		return
	}
	name := labels["__param_module"]
	if name == "" {
		name = "http_2xx" // as blackbox_exporter has it
	}
	mod, ok := r.modules[name]
	if !ok && !r.given {
		mod, ok = builtin(name)
	}
	if !ok {
		if r.given {
			leave(fmt.Sprintf("module %q is in none of the files", name))
		} else {
			leave(fmt.Sprintf("module %q: give the file that has it, such as blackbox.yml", name))
		}
		return
	}
	c := &check{module: mod, reader: r, o: migrate.Options{}, target: labels["__param_target"]}
	c.m.At = t.at
	c.m.Name = r.nameFor(c.title(labels), j.name)
	c.m.Tag("job", j.name)
	for _, label := range slices.Sorted(maps.Keys(labels)) {
		if !strings.HasPrefix(label, "__") && label != "job" && (label != "instance" || labels[label] != c.target && labels[label] != t.address) {
			c.m.Tag(label, labels[label])
		}
	}
	c.schedule(labels)
	if err := c.carry(labels["__param_hostname"]); err != nil {
		r.names.Drop(c.m.Name)
		leave(err.Error())
		return
	}
	r.found.Monitors = append(r.found.Monitors, c.m)
}

// nameFor is a name for a target, with its job where another job has the target, too.
func (r *reader) nameFor(text, job string) string {
	if r.names.Has(text) {
		return r.names.Of(text + "-" + job)
	}
	return r.names.Of(text)
}

// title is what a target is called: its instance, without the scheme of a URL. Of a server
// that is asked, the name that it is asked for is a part of it.
func (c *check) title(labels map[string]string) string {
	text, target := labels["instance"], labels["__param_target"]
	own, _ := c.all["dns"].(map[string]any)
	if text == "" || text == target {
		text = target
		if c.all["prober"] == "dns" && own != nil {
			text = fmt.Sprintf("%v-%s", own["query_name"], target)
		}
	}
	text = migrate.Redact(text)
	if _, rest, ok := strings.Cut(text, "://"); ok {
		text = rest
	}
	return text
}
