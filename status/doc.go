// Package status makes the public status page: how the chosen services are, in plain
// words, 90 days of each, incidents and maintenance, a feed, JSON in Statuspage's shape
// and badges.
//
// It works in three steps, so that what is private cannot get out by a mistake in a
// template:
//
//   - [Compose] makes a [Page] from what is known of the mesh. A Page holds what is public
//     and nothing else: no target, no agent, no error text, no name of what was not chosen,
//     unless the [Options] show it.
//   - [Make] renders a Page into a [Site]: files in memory, packed once for all who ask.
//   - A [Keeper] does both when something changed, and answers requests from the newest
//     Site; [Export] writes it into a folder for any web host.
//
// What is not known is never shown as running: a gap in history is no data, and while the
// broker is away the page says since when nothing is known. There is nothing to control
// behind it, and nothing in it of the broker or its version.
package status
