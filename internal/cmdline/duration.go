package cmdline

import (
	"errors"
	"flag"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/wire"
)

// durationFlag reads days and weeks, too, and shows its default as people write it.
type durationFlag struct{ *cli.DurationFlag }

// ReadDays has all flags that take a duration read what [wire.ParseDuration] reads.
func ReadDays(flags []cli.Flag) []cli.Flag {
	for i, f := range flags {
		if d, ok := f.(*cli.DurationFlag); ok {
			flags[i] = durationFlag{d}
		}
	}
	return flags
}

func (f durationFlag) argument() Argument { return Duration }

// Apply defines the flag under all of its names.
func (f durationFlag) Apply(set *flag.FlagSet) error {
	if err := f.DurationFlag.Apply(flag.NewFlagSet("", flag.ContinueOnError)); err != nil { // it notes its default
		return err
	}
	for _, name := range f.Names() {
		value := durationValue{is: f.Value}
		set.Var(&value, name, f.Usage)
	}
	return nil
}

func (f durationFlag) String() string { return cli.FlagStringer(f) }

// GetDefaultText is the default in the help.
func (f durationFlag) GetDefaultText() string {
	if f.DefaultText != "" {
		return f.DefaultText
	}
	return wire.Duration(f.Value).String()
}

// durationValue is the value of such a flag.
type durationValue struct {
	is    time.Duration
	typed string // "" for the default
}

// String is the form that cli.Context.Duration reads.
func (v *durationValue) String() string { return v.is.String() }

// Get is the text that was typed, for [Typed].
func (v *durationValue) Get() any { return v.typed }

func (v *durationValue) Set(text string) error {
	d, err := wire.ParseDuration(text)
	if err != nil {
		return errors.New("parse error") // as package flag says it: who tells it knows the flag
	}
	v.is, v.typed = d, text
	return nil
}

// Typed is what somebody typed for a flag, "" for one that was left out.
func Typed(c *cli.Context, flag string) string {
	if !c.IsSet(flag) {
		return ""
	}
	text, _ := c.Value(flag).(string)
	return text
}

// AsTyped is err with its mistakes about durations quoting what was typed for the flags
// that they are about.
func AsTyped(c *cli.Context, err error) error {
	if err == nil {
		return nil
	}
	var p wire.Problems
	for _, e := range wire.FieldErrors(err) {
		p.Add(e.Path, wire.AsWritten(e.Err, Typed(c, strings.TrimPrefix(e.Path, "--"))))
	}
	return p.Err()
}
