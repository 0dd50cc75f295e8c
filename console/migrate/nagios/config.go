package nagios

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"netmon/console/migrate"
	"netmon/internal/safeyaml"
)

// config is what all files say together.
type config struct {
	objects []*object
	users   map[string]string // $USER1$ and so on, by name
	unit    float64           // interval_length: seconds of one of check_interval
}

var (
	define   = regexp.MustCompile(`(?m)^\s*define\s+[a-z_]+\s*\{`)
	resource = regexp.MustCompile(`(?m)^\s*\$USER\d+\$\s*=`)
	mainFile = regexp.MustCompile(`(?m)^\s*(?:cfg_file|cfg_dir|resource_file|object_cache_file|log_file)\s*=`)
)

// read reads main files with what they include, resource files and object files.
func read(in *migrate.Input, files []migrate.File) (*config, error) {
	c := &config{users: map[string]string{}, unit: 60}
	seen := map[string]bool{}
	var errs []error
	for _, f := range files {
		errs = append(errs, c.file(in, f, seen, 0))
	}
	return c, errors.Join(errs...)
}

func (c *config) file(in *migrate.Input, f migrate.File, seen map[string]bool, depth int) error {
	if path := filepath.Clean(f.Path); seen[path] {
		return nil
	} else {
		seen[path] = true
	}
	text := string(f.Data)
	switch {
	case define.MatchString(text):
		objects, err := parseObjects(f)
		if len(c.objects)+len(objects) > maxObjects {
			return fmt.Errorf("%s: over %d objects", f.Path, maxObjects)
		}
		c.objects = append(c.objects, objects...)
		return err
	case resource.MatchString(text):
		for _, line := range lines(text) {
			name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
			name = strings.TrimSpace(name)
			if ok && len(name) > 2 && strings.HasPrefix(name, "$USER") {
				c.users[strings.Trim(name, "$")] = strings.TrimSpace(value)
			}
		}
		return nil
	case mainFile.MatchString(text):
		return c.main(in, f, seen, depth)
	case strings.TrimSpace(stripped(text)) == "":
		return nil
	}
	return &safeyaml.Mistake{Path: f.Path, Line: 1, What: errors.New("is none of nagios.cfg, resource.cfg and a file of define blocks, nor of Icinga 2")}
}

// stripped is the text without its comments.
func stripped(text string) string {
	var b strings.Builder
	for _, line := range lines(text) {
		if t := strings.TrimSpace(line); t != "" && t[0] != '#' && t[0] != ';' {
			b.WriteString(t)
		}
	}
	return b.String()
}

// main follows what nagios.cfg names.
func (c *config) main(in *migrate.Input, f migrate.File, seen map[string]bool, depth int) error {
	if depth > 4 {
		return fmt.Errorf("%s: main files include main files", f.Path)
	}
	var errs []error
	for n, line := range lines(string(f.Data)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		value = strings.TrimSpace(value)
		if !ok || value == "" || strings.HasPrefix(name, "#") {
			continue
		}
		switch strings.TrimSpace(name) {
		case "interval_length":
			unit, err := strconv.ParseFloat(value, 64)
			if err != nil || !(unit >= 0.1 && unit <= 86400) {
				errs = append(errs, &safeyaml.Mistake{Path: f.Path, Line: n, Field: "interval_length", What: fmt.Errorf("want seconds, got %q", value)})
				continue
			}
			c.unit = unit
		case "cfg_file", "resource_file":
			errs = append(errs, c.include(in, f, n, strings.TrimSpace(name), value, seen, depth))
		case "cfg_dir":
			if filepath.Dir(filepath.Clean(value)) == filepath.Clean(value) {
				errs = append(errs, &safeyaml.Mistake{Path: f.Path, Line: n, Field: "cfg_dir", What: fmt.Errorf("%q is every file there is: want a folder", value)})
				continue
			}
			for _, below := range []string{"/*.cfg", "/*/*.cfg", "/*/*/*.cfg"} {
				errs = append(errs, c.include(in, f, n, "", value+below, seen, depth))
			}
		}
	}
	return errors.Join(errs...)
}

// include reads what stands at value.
func (c *config) include(in *migrate.Input, f migrate.File, n int, name, value string, seen map[string]bool, depth int) error {
	files, err := in.IncludeNear(f, value)
	if err != nil {
		return err
	}
	if len(files) == 0 && name == "cfg_file" {
		return &safeyaml.Mistake{Path: f.Path, Line: n, Field: name, What: fmt.Errorf("%q is not there: give that file, too, or run this where it is", value)}
	}
	var errs []error
	for _, one := range files {
		errs = append(errs, c.file(in, one, seen, depth+1))
	}
	return errors.Join(errs...)
}
