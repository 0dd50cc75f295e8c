package access

import (
	"fmt"

	"netmon/wire"
)

// Streams under the buckets that people save in.
const (
	monitorsStream = "KV_" + wire.MonitorsBucket
	settingsStream = "KV_" + wire.AlertingBucket
)

// savedMonitors is what should run: a key is a monitor's name.
func savedMonitors() saving {
	return saving{
		gate: gateSave, bucket: wire.MonitorsBucket, where: whereMonitors,
		key: func(key string, deleted bool) error {
			err := wire.CheckToken(key)
			if deleted {
				err = wire.CheckElement(key) // what was a name once can be deleted
			}
			if err != nil {
				return fmt.Errorf("monitor name %w", err)
			}
			return nil
		},
		check: checkSaved,
		line: func(key string, deleted bool) (did, name string) {
			if deleted {
				return "delete", key
			}
			return "save", key
		},
	}
}

// checkSaved says what is wrong with a monitor that somebody saves.
func checkSaved(data []byte, name, by string) (change string, err error) {
	m, err := wire.DecodeSaved(data, 0)
	switch {
	case err != nil:
		return "", err
	case m.Name != name:
		return "", fmt.Errorf("name: want %q, which is the key, got %.64q", name, m.Name)
	case m.Author != by:
		return "", fmt.Errorf("author: want %q, who signs it, got %.64q", by, m.Author)
	}
	return m.Change, m.Validate()
}

// savedSettings is who is notified of what, and what is muted: a key is SORT.NAME.
func savedSettings() saving {
	return saving{
		gate: gateSettings, bucket: wire.AlertingBucket, where: whereSettings,
		key: func(key string, _ bool) error {
			_, _, err := wire.ParseSettingKey(key)
			return err
		},
		check: checkSetting,
		line:  settingLine,
	}
}

// checkSetting says what is wrong with a setting that somebody saves. Whose word it
// is counts most where it is little more than that: an acknowledgement, a silence.
func checkSetting(data []byte, key, by string) (change string, err error) {
	setting, err := wire.DecodeSetting(key, data, 0)
	if err == nil { // what a criterion says that we do not know would reach others than were meant
		var again wire.Setting
		if again, err = wire.NewSetting(setting.Sort()); err == nil {
			err = wire.DecodeStrict(data, again)
		}
	}
	if err != nil {
		return "", err
	}
	about := setting.About()
	if about.Author != by {
		return "", fmt.Errorf("author: want %q, who signs it, got %.64q", by, about.Author)
	}
	if about.Change == "" {
		switch s := setting.(type) {
		case *wire.Silence:
			return s.Text, nil
		case *wire.Acknowledgement:
			return s.Text, nil
		}
	}
	return about.Change, nil
}

// settingLine is what the audit calls a change of a setting. A key that is none is
// refused before anything is noted.
func settingLine(key string, deleted bool) (did, name string) {
	sort, name, _ := wire.ParseSettingKey(key)
	switch {
	case sort == wire.SortAck && deleted:
		return "unack", name
	case sort == wire.SortSilence && deleted:
		return "silence-end", name
	case sort == wire.SortAck, sort == wire.SortSilence:
		return string(sort), name
	case deleted:
		return string(sort) + "-delete", name
	}
	return string(sort) + "-save", name
}
