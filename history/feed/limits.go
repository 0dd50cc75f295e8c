package feed

import (
	"time"

	"netmon/wire"
)

// Limits bounds the questions about history that a controller answers.
var Limits = []wire.Limit{
	{What: "questions of one identity that are worked on at once", Most: answersMost - 1, Unit: "questions", Beyond: "wait for their turn"},
	{What: "questions of all that are worked on at once", Most: answersMost, Unit: "questions", Beyond: "wait for their turn"},
	{What: "questions of one identity that wait", Most: waitingOfOne, Unit: "questions", Beyond: "answered `limit`"},
	{What: "questions of all that wait", Most: waitingMost, Unit: "questions", Beyond: "answered `limit`"},
	{What: "time that one question is worked on", Most: int(answerWithin / time.Second), Unit: "seconds", Beyond: "answered `limit`"},
	{What: "CPU time of the questions of one identity", Most: 100 * shareOfOne, Unit: "% of the controller's processors", Beyond: "wait until there is some again; what would wait too long is answered `limit`, with when to ask again"},
	{What: "CPU time of the questions of all", Most: 100 * shareOfAll, Unit: "% of the controller's processors", Beyond: "the same"},
	{What: "CPU time of one identity after a rest", Most: int(burstOfOne / time.Second), Unit: "seconds", Beyond: "the same"},
	{What: "CPU time of all after a rest", Most: int(burstOfAll / time.Second), Unit: "seconds", Beyond: "the same"},
	{What: "time that a question waits for CPU time", Most: int(waitMost / time.Second), Unit: "seconds", Beyond: "answered `limit`, with when to ask again"},
}
