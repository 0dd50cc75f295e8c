// Package notify sends: it takes the notices of a mesh and reports each incident, as it
// is then, by the channels that are saved.
//
// A kind of channel is one file with a struct of settings, which is a [Sender], and one
// line in [Kinds]. A Sender reaches the network and reads secrets by its [Env] alone,
// which obeys the policy of the host.
//
// To add a kind of channel:
//
//  1. A file named as the kind: a struct of its settings, with json and help tags, whose
//     pointer is a [Sender], and a function that makes the [Kind] with its defaults. Its
//     API's documentation is linked there, and its sizes are constants. It sends by
//     [Env.Do] or [Env.PostJSON], cuts by [Message.Fit], and escapes for the service's
//     format; secrets are of type [Secret] or [Text], and resolved by [For] or [Env.URL].
//  2. A line in Kinds.
//  3. A row in services of services_test.go: the tests there assert its requests against
//     testdata, what it makes of refusals, hostile texts and large incidents. What is
//     special about it has tests of its own.
//  4. A recipe in docs/alerts.md, which TestAlertsDoc_Recipes asks for.
package notify
