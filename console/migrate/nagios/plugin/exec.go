package plugin

import (
	"encoding/json"
	"errors"
	"path"
	"slices"
	"strings"
	"time"

	"netmon/console/migrate"
)

// kindExec is the kind that runs a plugin as it is.
const kindExec = "exec"

// longest is what Nagios gives a plugin: service_check_timeout, 60 s.
const longest = time.Minute

// run makes m run the command line as it is. why is what its own kind lacks, "" where there
// is none.
func run(m *migrate.Monitor, argv []string, why string) error {
	if !path.IsAbs(argv[0]) {
		return errors.New("kind exec wants a program by its whole path, and this is " + argv[0])
	}
	if slices.Contains([]string{"sh", "bash", "dash", "ash", "ksh", "zsh"}, path.Base(argv[0])) && len(argv) > 1 && strings.HasPrefix(argv[1], "-") {
		return errors.New("it is a line for a shell: put that into a script beside the plugins, and have the monitor run it")
	}
	if option := exposes(argv); option != "" {
		return errSecret(option)
	}
	o := migrate.Options{}
	if len(argv) > 1 {
		o.Set("args", argv[1:])
	}
	options, err := o.JSON()
	if err != nil {
		return err
	}
	m.Kind, m.Target, m.Options = kindExec, path.Clean(argv[0]), options
	m.Timeout = (&command{Monitor: m}).limit(longest)
	if why != "" {
		m.Notes = append(m.Notes, "runs the plugin: "+why)
	}
	m.Notes = append(m.Notes, "each agent needs "+m.Target+", and exec: {folders: ["+path.Dir(m.Target)+"]} in its policy")
	return nil
}

// NoteLocal notes of a monitor that runs a program without the address of a host that it
// measures the host where it runs. names are those of the monitor's host.
func NoteLocal(m *migrate.Monitor, names ...string) {
	if m.Kind != kindExec {
		return
	}
	var o struct{ Args []string }
	if err := json.Unmarshal(m.Options, &o); err != nil && len(m.Options) > 0 {
		return
	}
	for _, arg := range o.Args {
		if strings.HasPrefix(arg, "-H") || strings.HasPrefix(arg, "--host") {
			return
		}
		for _, name := range names {
			if name != "" && strings.Contains(arg, name) {
				return
			}
		}
	}
	m.Note("measures the host of the agent that runs it: agents is to name the one on %s", names[0])
}
