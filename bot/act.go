package bot

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"flowbot/service"
)

// Buttons of cohorts and acts. The ID is the act's, with its revision, unless
// said otherwise.
const (
	pressCohort     Action = "cc" // ID is the cohort's
	pressCohorts    Action = "cl" // ID is a page
	pressGenerate   Action = "ag" // ID and Version are the cohort's
	pressAct        Action = "ac"
	pressRegenerate Action = "ar"
	pressCancelAct  Action = "ax"
	pressResend     Action = "as"
	pressHistory    Action = "ah"
	pressMore       Action = "mo" // another page of a list; ID is its number, Version the list
)

// pressOf names the button of each event of an act. An event without one
// follows from another, or belongs to the cohort's journal.
var pressOf = map[service.ActEvent]Action{
	service.ActSubmit:     pressUpload,
	service.ActReplace:    pressReplace,
	service.ActResend:     pressResend,
	service.ActRegenerate: pressRegenerate,
	service.ActCancel:     pressCancelAct,
	service.ActTake:       pressTake,
	service.ActRelease:    pressRelease,
	service.ActApprove:    pressApprove,
	service.ActReject:     pressReject,
	service.ActExpire:     "",
	service.ActFall:       "",
}

func (b *Bot) actActions() []action {
	return []action{
		{pressCohort, "cohort", b.cohortPressed},
		{pressCohorts, "cohorts", b.cohortsPressed},
		{pressGenerate, "act_generate", b.generatePressed},
		{pressAct, "act", b.actPressed},
		{pressRegenerate, "act_regenerate", b.regeneratePressed},
		{pressCancelAct, "act_cancel", b.cancelActPressed},
		{pressResend, "act_resend", b.resendPressed},
		{pressHistory, "history", b.historyPressed},
	}
}

// pageSize is how many things one page of a list shows: they fit a phone's
// screen together with the text above them.
const pageSize = 8

// actView is what the card of an act shows.
type actView struct {
	*service.ActView
	Zone     string
	Operator bool // the reader represents the operator
}

// actCard shows an act with a button for each move open to this person.
func (b *Bot) actCard(ctx context.Context, t *Turn, id int64) (Reply, error) {
	v, err := b.Acts.View(ctx, t.By, id)
	if err != nil {
		return Reply{}, err
	}
	return b.actReply(t, v), nil
}

func (b *Bot) actReply(t *Turn, v *service.ActView) Reply {
	r := Reply{Text: "act_card", Caption: true, Data: actView{v, t.By.Zone, t.By.Has(service.RoleOperatorRep)}}
	for _, ev := range v.Offers {
		do := pressOf[ev]
		k := Button{Press: Press{do, v.Act.ID, v.Act.Revision}}
		switch ev {
		case service.ActSubmit, service.ActReplace:
			k.Press.ID, k.Press.Version = v.Cohort.ID, 0
			k.Args = v.Cohort.Number
		case service.ActResend:
			k.Args = v.Newest.Version
		case service.ActExpire, service.ActFall:
			continue
		case service.ActRegenerate, service.ActCancel, service.ActTake, service.ActRelease, service.ActApprove, service.ActReject:
		}
		r.Rows = append(r.Rows, row(k))
	}
	if t.By.Has(service.RoleOperatorRep) && v.Act.ReviewerID != t.By.PersonID {
		r.Rows = append(r.Rows, row(Button{Press: Press{pressNext, v.Act.ID, 0}}))
	}
	if len(v.Files) > 0 {
		r.Rows = append(r.Rows, row(Button{Press: Press{pressFiles, v.Act.ID, 0}}))
	}
	r.Rows = append(r.Rows,
		row(Button{Press: Press{pressPackage, v.Act.ID, 0}}, Button{Press: Press{pressHistory, v.Act.ID, 0}}),
		row(Button{Press: Press{pressCohort, v.Cohort.ID, 0}, Args: v.Cohort.Number}, Button{Press: Press{Do: pressMenu}}))
	return r
}

func (b *Bot) actPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseAct(ctx, t, "", pressAct)
	}
	return edited(b.actCard(ctx, t, t.Press.ID))
}

// cohortView is what the card of a cohort shows.
type cohortView struct {
	*service.CohortView
	Named []service.Act // the newest, in the order of their numbers
	More  int           // older ones
}

// cohortCard shows a cohort with its acts and what this person may do.
func (b *Bot) cohortCard(ctx context.Context, t *Turn, id int64) (Reply, error) {
	v, err := b.Acts.Cohort(ctx, t.By, id)
	if err != nil {
		return Reply{}, err
	}
	const named = 20 // acts that the text names; a list shows the others
	more := max(0, len(v.Acts)-named)
	r := Reply{Text: "cohort_card", Data: cohortView{v, v.Acts[more:], more}}
	if v.CanGenerate {
		r.Rows = append(r.Rows, row(Button{Press: Press{pressGenerate, id, v.Cohort.Revision}}))
	}
	if v.CanUpload != "" {
		r.Rows = append(r.Rows, row(Button{Press: Press{Do: pressOf[v.CanUpload], ID: id}, Args: v.Cohort.Number}))
	}
	const shown = 10 // acts with a button of their own
	for i := range min(len(v.Acts), shown) {
		a := &v.Acts[len(v.Acts)-1-i]
		r.Rows = append(r.Rows, row(Button{Press: Press{pressAct, a.ID, 0}, Args: a.Number}))
	}
	r.Rows = append(r.Rows, row(Button{Press: Press{Do: pressCohorts}}, Button{Press: Press{Do: pressMenu}}))
	return r, nil
}

func (b *Bot) cohortPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseCohort(ctx, t, service.WantAny, pressCohort)
	}
	return edited(b.cohortCard(ctx, t, t.Press.ID))
}

// cohortsPressed shows a page of all cohorts that the person may see.
func (b *Bot) cohortsPressed(ctx context.Context, t *Turn) (Reply, error) {
	page := pageOf(t.Press.ID)
	list, err := b.Acts.CohortList(ctx, t.By, service.WantAny, "", page*pageSize, pageSize+1)
	if err != nil {
		return Reply{}, err
	}
	r := Reply{Text: "cohorts", Data: len(list) + page*pageSize, Edit: true}
	for _, c := range list[:min(len(list), pageSize)] {
		r.Rows = append(r.Rows, row(Button{Label: "cohort_item", Args: c, Press: Press{pressCohort, c.ID, 0}}))
	}
	r.Rows = append(r.Rows, turnPages(page, len(list) > pageSize, func(p int) Press { return Press{Do: pressCohorts, ID: int64(p)} })...)
	r.Rows = append(r.Rows, row(Button{Press: Press{Do: pressMenu}}))
	return r, nil
}

// turnPages are the buttons to the pages before and after.
func turnPages(page int, more bool, to func(page int) Press) [][]Button {
	var out []Button
	if page > 0 {
		out = append(out, Button{Label: "page_before", Press: to(page - 1)})
	}
	if more {
		out = append(out, Button{Label: "page_after", Press: to(page + 1)})
	}
	if out == nil {
		return nil
	}
	return [][]Button{out}
}

// choosable is how many things a chooser offers as buttons at once. Whoever has
// more names the number: «Журнал и скриншоты · поток 118».
const choosable = 20

// numberOf reads the number out of a typed label's suffix: «поток 118», «118».
func numberOf(suffix string) string {
	for i, word := range []rune(suffix) {
		if word == ' ' {
			return numberOf(string([]rune(suffix)[i+1:]))
		}
	}
	return suffix
}

// chooseCohort answers a deed that was named without its cohort: does it in the
// only one where it can be done, or lets choose.
func (b *Bot) chooseCohort(ctx context.Context, t *Turn, want service.CohortWant, do Action) (Reply, error) {
	list, err := b.Acts.CohortList(ctx, t.By, want, numberOf(t.Suffix), 0, choosable+1)
	if err != nil {
		return Reply{}, err
	}
	number := numberOf(t.Suffix)
	if len(list) == 0 && number != "" { // the deed says why not
		if list, err = b.Acts.CohortList(ctx, t.By, service.WantAny, number, 0, 1); err != nil {
			return Reply{}, err
		}
	}
	if len(list) == 1 {
		t.Press = &Press{do, list[0].ID, list[0].Revision}
		return b.actions[do].do(ctx, t)
	}
	r := Reply{Text: "choose_cohort", Data: chooser{len(list), string(want), choosable, number}, Edit: true}
	for _, c := range list[:min(len(list), choosable)] {
		r.Rows = append(r.Rows, row(Button{Label: "cohort_item", Args: c, Press: Press{do, c.ID, c.Revision}}))
	}
	r.Rows = append(r.Rows, row(Button{Press: Press{Do: pressMenu}}))
	return r, nil
}

// chooser is what a list to choose from says.
type chooser struct {
	Count int // of things, at most Limit+1
	Want  string
	Limit int
	// Number is the one that was named, "" for none.
	Number string
}

// chooseAct is chooseCohort for deeds that concern an act.
func (b *Bot) chooseAct(ctx context.Context, t *Turn, ev service.ActEvent, do Action) (Reply, error) {
	list, err := b.Acts.ActList(ctx, t.By, ev, numberOf(t.Suffix), 0, choosable+1)
	if err != nil {
		return Reply{}, err
	}
	number := numberOf(t.Suffix)
	if len(list) == 0 && number != "" { // the deed says why not
		if list, err = b.Acts.ActList(ctx, t.By, "", number, 0, 1); err != nil {
			return Reply{}, err
		}
	}
	if len(list) == 1 {
		t.Press = &Press{do, list[0].ID, list[0].Revision}
		return b.actions[do].do(ctx, t)
	}
	r := Reply{Text: "choose_act", Data: chooser{len(list), string(ev), choosable, number}, Edit: true}
	for _, a := range list[:min(len(list), choosable)] {
		r.Rows = append(r.Rows, row(Button{Label: "act_item", Args: a, Press: Press{do, a.ID, a.Revision}}))
	}
	r.Rows = append(r.Rows, row(Button{Press: Press{Do: pressMenu}}))
	return r, nil
}

// learnersForm is what must be known before an act is generated, or made anew.
type learnersForm struct {
	CohortID int64
	Cohort   string // number
	ActID    int64  // 0 for a new act
	Act      string // number
	Revision int    // of the act or, for a new one, of the cohort
	Chosen   []int64
	Find     string // only those whose name or number holds it are shown; "" for all
	Page     int
}

// chooseLearners is the conversation that generates an act, or makes it anew:
// all who are eligible, or a paged list of toggles.
var chooseLearners = Wizard[learnersForm]{
	Name: "learners",
	Steps: []Step[learnersForm]{
		{Name: "choose", Ask: askLearners, Take: takeLearners},
		{Name: "check", Ask: askGenerate, Take: takeDone[learnersForm]},
	},
	Done: func(ctx context.Context, b *Bot, t *Turn, f *learnersForm) (Reply, error) {
		var a *service.Act
		var err error
		if f.ActID == 0 {
			a, err = b.Acts.Generate(ctx, t.By, service.GenerateInput{CohortID: f.CohortID, Revision: f.Revision, Learners: f.Chosen})
		} else {
			a, err = b.Acts.Regenerate(ctx, t.By, service.RegenerateInput{ActID: f.ActID, Revision: f.Revision, Learners: f.Chosen})
		}
		if err != nil {
			return Reply{}, err
		}
		return edited(b.actCard(ctx, t, a.ID))
	},
}

// sure is the ID of a «Готово» that answers the question whether to go on. The
// one of the step before, tapped twice, is no answer to what nobody has read.
const sure = 1

// takeDone goes on when its own «Готово» is pressed, or typed.
func takeDone[F any](_ context.Context, _ *Bot, t *Turn, _ *F) (Outcome, error) {
	switch {
	case t.Press == nil || t.Press.Do != pressDone:
		return stay, unexpected(t)
	case t.typed || t.Press.ID == sure:
		return next, nil
	}
	return stay, nil
}

// learnersView is what the list of learners shows.
type learnersView struct {
	learnersForm
	Total int // who can be chosen
	Found int // of them, who are shown
	Pages int
}

// maxLearners bounds one act. A cohort is a class or a few; a thousand rows are
// forty printed pages.
const maxLearners = 1000

func (b *Bot) choosableLearners(ctx context.Context, t *Turn, f *learnersForm) ([]service.Learner, error) {
	return b.Acts.Learners(ctx, t.By, f.CohortID, f.ActID, maxLearners)
}

// found are the learners whose name or number holds what was typed.
func found(list []service.Learner, typed string) []service.Learner {
	typed = normLabel(typed)
	if typed == "" {
		return list
	}
	var out []service.Learner
	for i := range list {
		if strings.Contains(normLabel(list[i].Name()+" "+list[i].Number), typed) {
			out = append(out, list[i])
		}
	}
	return out
}

func askLearners(ctx context.Context, b *Bot, t *Turn, f *learnersForm) (Reply, error) {
	all, err := b.choosableLearners(ctx, t, f)
	if err != nil {
		return Reply{}, err
	}
	list := found(all, f.Find)
	pages := max(1, (len(list)+pageSize-1)/pageSize)
	f.Page = min(f.Page, pages-1)
	r := Reply{Text: "learners_choose", Card: true, Data: learnersView{*f, len(all), len(list), pages}}
	for _, l := range list[min(len(list), f.Page*pageSize):min(len(list), (f.Page+1)*pageSize)] {
		r.Rows = append(r.Rows, row(Button{
			Label: "learner_item", Press: t.inTalk(pressPick, l.ID),
			Args: map[string]any{"On": slices.Contains(f.Chosen, l.ID), "Name": l.Name(), "Number": l.Number},
		}))
	}
	r.Rows = append(r.Rows, turnPages(f.Page, f.Page+1 < pages, func(p int) Press { return t.inTalk(pressPage, int64(p)) })...)
	if f.Find != "" {
		r.Rows = append(r.Rows, row(Button{Label: "learners_all", Press: t.inTalk(pressPage, showAll)}))
	}
	r.Rows = append(r.Rows,
		row(Button{Press: t.inTalk(pressAll, 0)}, Button{Press: t.inTalk(pressNone, 0)}),
		row(Button{Press: t.inTalk(pressDone, 0), Args: len(f.Chosen)}, Button{Press: t.inTalk(pressCancel, 0)}))
	return r, nil
}

// showAll is the page that ends a search.
const showAll = -1

// maxFind is the longest text that is looked for, in UTF-16 units.
const maxFind = 100

func takeLearners(ctx context.Context, b *Bot, t *Turn, f *learnersForm) (Outcome, error) {
	if t.Press == nil {
		if t.Text == "" || t.Command != "" || units(t.Text) > maxFind {
			return stay, unexpected(t)
		}
		f.Find, f.Page = t.Text, 0
		return stay, nil
	}
	list, err := b.choosableLearners(ctx, t, f)
	if err != nil {
		return stay, err
	}
	list = found(list, f.Find)
	switch t.Press.Do {
	case pressPick:
		known := slices.ContainsFunc(list, func(l service.Learner) bool { return l.ID == t.Press.ID })
		if i := slices.Index(f.Chosen, t.Press.ID); i >= 0 {
			f.Chosen = slices.Delete(f.Chosen, i, i+1)
		} else if known {
			f.Chosen = append(f.Chosen, t.Press.ID)
		}
	case pressPage:
		if t.Press.ID == showAll {
			f.Find = ""
		}
		f.Page = pageOf(t.Press.ID)
	case pressAll:
		for i := range list {
			if !slices.Contains(f.Chosen, list[i].ID) {
				f.Chosen = append(f.Chosen, list[i].ID)
			}
		}
	case pressNone:
		f.Chosen = slices.DeleteFunc(f.Chosen, func(id int64) bool {
			return f.Find == "" || slices.ContainsFunc(list, func(l service.Learner) bool { return l.ID == id })
		})
	case pressDone:
		if len(f.Chosen) == 0 {
			return stay, &service.Error{Kind: service.Invalid, Reason: service.ReasonNoLearners}
		}
		return next, nil
	default:
		return stay, unexpected(t)
	}
	return stay, nil
}

func askGenerate(_ context.Context, _ *Bot, t *Turn, f *learnersForm) (Reply, error) {
	return Reply{Text: "learners_check", Card: true, Data: f, Rows: [][]Button{
		row(Button{Label: "generate_now", Args: f.ActID != 0, Press: t.inTalk(pressDone, sure)}),
		row(Button{Press: t.inTalk(pressBack, 0)}, Button{Press: t.inTalk(pressCancel, 0)}),
	}}, nil
}

// generatePressed opens the choice of learners with everybody chosen.
func (b *Bot) generatePressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseCohort(ctx, t, service.WantGenerate, pressGenerate)
	}
	v, err := b.Acts.Cohort(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	if !v.CanGenerate {
		return Reply{}, b.Acts.WhyNoGeneration(t.By, v)
	}
	f := learnersForm{CohortID: v.Cohort.ID, Cohort: v.Cohort.Number, Revision: v.Cohort.Revision}
	return b.beginWithAll(ctx, t, f)
}

func (b *Bot) beginWithAll(ctx context.Context, t *Turn, f learnersForm) (Reply, error) {
	list, err := b.choosableLearners(ctx, t, &f)
	if err != nil {
		return Reply{}, err
	}
	for i := range list {
		if f.ActID == 0 || list[i].ActID == f.ActID {
			f.Chosen = append(f.Chosen, list[i].ID)
		}
	}
	return edited(b.begin(ctx, t, chooseLearners, f))
}

// regeneratePressed opens the choice of learners with those of the act chosen.
func (b *Bot) regeneratePressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseAct(ctx, t, service.ActRegenerate, pressRegenerate)
	}
	v, err := b.offered(ctx, t, service.ActRegenerate)
	if err != nil {
		return Reply{}, err
	}
	return b.beginWithAll(ctx, t, learnersForm{
		CohortID: v.Cohort.ID, Cohort: v.Cohort.Number, ActID: v.Act.ID, Act: v.Act.Number, Revision: v.Act.Revision,
	})
}

// offered returns the pressed act if it has not moved on and the event is open
// to this person now; else the refusal that pressing to the end would meet. It
// saves people from a conversation that cannot succeed.
func (b *Bot) offered(ctx context.Context, t *Turn, ev service.ActEvent) (*service.ActView, error) {
	return b.Acts.Offered(ctx, t.By, t.Press.ID, t.Press.Version, ev)
}

// reasonForm is what must be known before an act is cancelled or rejected.
type reasonForm struct {
	ActID    int64
	Act      string // number
	Revision int
	Comment  string
}

// cancelAct asks why an act is cancelled.
var cancelAct = Wizard[reasonForm]{
	Name: "act_cancel", Brief: true,
	Steps: []Step[reasonForm]{
		{
			Name: "reason",
			Ask: func(_ context.Context, _ *Bot, t *Turn, f *reasonForm) (Reply, error) {
				return Reply{Text: "act_cancel_ask", Data: f, Rows: [][]Button{row(Button{Press: t.inTalk(pressCancel, 0)})}}, nil
			},
			Take: takeComment,
		},
	},
	Done: func(ctx context.Context, b *Bot, t *Turn, f *reasonForm) (Reply, error) {
		a, err := b.Acts.Cancel(ctx, t.By, f.ActID, f.Revision, f.Comment)
		if err != nil {
			return Reply{}, err
		}
		return b.actCard(ctx, t, a.ID)
	},
	Left: backToAct,
}

// backToAct shows the act that a question was about which is not answered.
func backToAct(ctx context.Context, b *Bot, t *Turn, f *reasonForm) (Reply, error) {
	return b.actCard(ctx, t, f.ActID)
}

// takeComment reads a comment in the person's own words.
func takeComment(_ context.Context, _ *Bot, t *Turn, f *reasonForm) (Outcome, error) {
	var err error
	f.Comment, err = commentOf(t)
	return next, err
}

// commentOf reads a comment in the person's own words.
func commentOf(t *Turn) (string, error) {
	if t.Press != nil || t.File != nil || t.Other != "" {
		return "", unexpected(t)
	}
	return t.Text, service.CheckComment(t.Text)
}

func (b *Bot) cancelActPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseAct(ctx, t, service.ActCancel, pressCancelAct)
	}
	v, err := b.offered(ctx, t, service.ActCancel)
	if err != nil {
		return Reply{}, err
	}
	return b.begin(ctx, t, cancelAct, reasonForm{ActID: v.Act.ID, Act: v.Act.Number, Revision: v.Act.Revision})
}

// moveAct makes the moves that take one press.
func (b *Bot) moveAct(ev service.ActEvent) handler {
	return func(ctx context.Context, t *Turn) (Reply, error) {
		if t.Press.ID == 0 {
			return b.chooseAct(ctx, t, ev, pressOf[ev])
		}
		a, err := b.Acts.Move(ctx, t.By, t.Press.ID, t.Press.Version, ev)
		if err != nil {
			return Reply{}, err
		}
		return edited(b.actCard(ctx, t, a.ID))
	}
}

// resendPressed sends an act with the journal that stands. A number that was
// typed after the words is that of the journal, not of the act.
func (b *Bot) resendPressed(ctx context.Context, t *Turn) (Reply, error) {
	if version := t.Suffix; t.Press.ID == 0 && version != "" {
		t.Suffix = ""
		list, err := b.Acts.ActList(ctx, t.By, service.ActResend, "", 0, 2)
		if err != nil {
			return Reply{}, err
		}
		if len(list) == 1 {
			v, err := b.Acts.View(ctx, t.By, list[0].ID)
			if err != nil {
				return Reply{}, err
			}
			if v.Newest == nil || strconv.Itoa(v.Newest.Version) != version {
				return b.actReply(t, v), nil
			}
		}
	}
	return b.moveAct(service.ActResend)(ctx, t)
}

// historyView is what the history of an act shows.
type historyView struct {
	Act   service.Act
	Steps []service.History
	Zone  string
	Page  int // 0 is the newest
}

// historyPage is how many steps fit one message with comments of any length
// allowed: the client splits what is longer.
const historyPage = 10

// historyPressed shows the steps of an act, newest page first; Version is the page.
func (b *Bot) historyPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 && t.By.Has(service.RoleCenterStaff) && !t.By.Has(service.RolePartnerRep) && !t.By.Has(service.RoleOperatorRep) {
		return b.examHistoryPressed(ctx, t) // exams have theirs under the same word
	}
	if t.Press.ID == 0 {
		return b.chooseAct(ctx, t, "", pressHistory)
	}
	if t.typed {
		t.Press.Version = 0
	}
	a, steps, err := b.Acts.History(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	page := max(0, t.Press.Version)
	pages := max(1, (len(steps)+historyPage-1)/historyPage)
	page = min(page, pages-1)
	end := len(steps) - page*historyPage
	r := Reply{
		Text: "history", Edit: true,
		Data: historyView{*a, steps[max(0, end-historyPage):end], t.By.Zone, page},
	}
	r.Rows = turnPages(page, page+1 < pages, func(p int) Press { return Press{pressHistory, a.ID, p} })
	for i := range r.Rows {
		for j := range r.Rows[i] { // the newest page comes first
			r.Rows[i][j].Label = map[string]string{"page_before": "history_newer", "page_after": "history_older"}[r.Rows[i][j].Label]
		}
	}
	r.Rows = append(r.Rows, row(Button{Press: Press{pressAct, a.ID, 0}, Args: a.Number}, Button{Press: Press{Do: pressMenu}}))
	return r, nil
}

// attachAct makes a printed act an attachment with a name in words.
func (b *Bot) attachAct(f service.Document) (Attachment, error) {
	name, err := b.text.Label("file_act", f.Name)
	return Attachment{Name: name, Open: f.Open}, err
}

// attach makes a stored file an attachment under its own name.
func attach(f service.Document) Attachment {
	return Attachment{Name: f.Name, Size: f.Size, Open: f.Open}
}
