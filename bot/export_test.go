package bot

import (
	"maps"
	"slices"

	"flowbot/service"
	"flowbot/templates"
)

// Codes lists the codes of all buttons, sorted.
func (b *Bot) Codes() []Action { return slices.Sorted(maps.Keys(b.actions)) }

// TalkCodes lists the codes of the buttons inside conversations, sorted.
func (b *Bot) TalkCodes() []Action {
	out := []Action{pressAsJournal, pressAsScreenshot}
	for _, a := range b.talkActions() {
		out = append(out, a.code)
	}
	return slices.Sorted(slices.Values(out))
}

// Labels lists what can be typed in the base language in the place of a press, sorted.
func (b *Bot) Labels() []string { return slices.Sorted(maps.Keys(b.labels[templates.Base])) }

// LabelOf is the name of a button's label.
func (b *Bot) LabelOf(code Action) string { return b.actions[code].label }

// Remove is the button that takes somebody's rights away.
const Remove = pressRemoved

// Upload opens the conversation about a package.
const Upload = pressUpload

// NoticeKinds lists the kinds of notices that the bot has words for, sorted.
func (b *Bot) NoticeKinds() []string { return slices.Sorted(maps.Keys(b.notices())) }

// Refusals lists the reasons that the bot knows, sorted, and which of them are
// shown in a window over the button.
func Refusals() (all, alerts []service.Reason) {
	all = slices.Sorted(maps.Keys(refusals))
	for _, r := range all {
		if refusals[r] == alert {
			alerts = append(alerts, r)
		}
	}
	return all, alerts
}

// MaxToast is the longest answer to a press, in UTF-16 units.
const MaxToast = maxToast

// ChoiceData is the data of the button of a choice.
func ChoiceData(page, application int64, revision, words int) string {
	return questionChoice{page, application, revision, said(words)}.press(pressChoose).Data()
}

// ReadChoice reads it: page, application, revision and words.
func ReadChoice(p Press) [4]int64 {
	c := choiceOf(&p)
	return [4]int64{c.page, c.application, int64(c.revision), int64(c.said)}
}

// OwnerLabels are applications as the buttons of a question name them.
func OwnerLabels(list []service.Application) []string {
	var out []string
	for _, o := range ownerViews(list) {
		out = append(out, o.Name+" "+o.Tail)
	}
	return out
}

// ReportScreen is what the report of a batch shows.
func ReportScreen(v *service.BatchView) any { return reportOf(v, "Europe/Moscow") }

// QuestionScreen is what the card of a page shows.
func QuestionScreen(v *service.QuestionView) any {
	return questionScreen{QuestionView: v, Zone: "Europe/Moscow"}
}
