package flow

import "netmon/wire"

// Command is the command line, without the program's name, that saves the
// draft. It leaves defaults out.
func (d Draft) Command() []string {
	args := []string{"add", d.Kind, d.Target, "--name", d.Name}
	if every := wire.Duration(d.Every); d.Every != wire.DefaultEvery {
		args = append(args, "--every", every.String())
	}
	ours := wire.Monitor{Every: wire.Duration(d.Every)}.WithDefaults().Timeout
	if timeout := wire.Duration(d.Timeout); timeout != ours {
		args = append(args, "--timeout", timeout.String())
	}
	if d.On != wire.Everywhere {
		args = append(args, "--on", d.On)
	}
	if d.Except != "" {
		args = append(args, "--except", d.Except)
	}
	for _, tag := range d.Tags {
		args = append(args, "--tag", tag)
	}
	return append(args, optionArgs(d.Options)...)
}

// Line is the command line that saves the draft, with the program's name.
func (f Flow) Line() []string { return append([]string{"netmon"}, f.draft.Command()...) }

// measurement is the command line that measures the draft once.
func (f Flow) measurement() []string {
	args := []string{"probe", f.draft.Kind, f.draft.Target}
	if f.from != "" {
		args = append(args, "--from", f.from)
	}
	if f.draft.Timeout != 0 {
		args = append(args, "--timeout", wire.Duration(f.draft.Timeout).String())
	}
	return append(args, optionArgs(f.draft.Options)...)
}

func optionArgs(sets []Set) []string {
	var args []string
	for _, s := range sets {
		for _, v := range s.Values {
			switch {
			case !s.Switch:
				args = append(args, "--"+s.Name, v)
			case v == "yes":
				args = append(args, "--"+s.Name)
			default:
				args = append(args, "--"+s.Name+"=false")
			}
		}
	}
	return args
}
