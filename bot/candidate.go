package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"flowbot/service"
	"flowbot/templates"
)

// Buttons of candidates. The first group is for candidates and strangers, the
// second for the staff of the exam's center.
const (
	pressMine       Action = "cdm" // «Мой сертификат»
	pressLanguages  Action = "cdl" // «Язык»
	pressSpeak      Action = "cds" // ID is the language's place in service.CandidateLanguages, from 1
	pressFind       Action = "cdf" // looks for applications by telephone
	pressFindCancel Action = "cdx"
	pressCopy       Action = "cdd" // ID is the application's

	pressCandidate Action = "cdi" // «Пригласить сдающего»; ID is the application's
	pressSlips     Action = "cdq" // «Листовки с QR»; ID is the exam's
	pressReach     Action = "cdr" // «Сдающие»; ID is the exam's, Version the page
	pressUnlinking Action = "cdu" // ID is the application's: asks first
	pressUnlink    Action = "cdv" // the same; Version is the revision
)

func (b *Bot) candidateActions() []action {
	return []action{
		{pressMine, "candidate_mine", b.mine},
		{pressLanguages, "candidate_language", b.asCandidate(b.languages)},
		{pressSpeak, "candidate_speak", b.asCandidate(b.speak)},
		{pressFind, "candidate_find", b.asCandidate(b.find)},
		{pressFindCancel, "candidate_cancel", b.asCandidate(b.cancelClaim)},
		{pressCopy, "candidate_copy", b.asCandidate(b.copyPressed)},
		{pressCandidate, "candidate_invite", b.inviteCandidate},
		{pressSlips, "candidate_slips", b.slips},
		{pressReach, "candidate_reach", b.reachPressed},
		{pressUnlinking, "candidate_unlink", b.unlinking},
		{pressUnlink, "candidate_unlink_yes", b.unlink},
	}
}

// asCandidate answers in the language of a candidate who may work here too.
func (b *Bot) asCandidate(do handler) handler {
	return func(ctx context.Context, t *Turn) (Reply, error) {
		if t.By.Has(service.RoleCandidate) {
			t.text = b.ownText(t.By)
		}
		return do(ctx, t)
	}
}

// candidateTalks are the conversations of this subject. A claim is none of them:
// whoever makes it is nobody yet, see service.Claim.
func candidateTalks() []talk { return nil }

// onlyCandidate tells that somebody sits exams and does not work here. They get
// nothing but what candidates may see.
func onlyCandidate(by service.Actor) bool {
	return by.PersonID != 0 && !slices.ContainsFunc(by.Seats, func(s service.Seat) bool { return s.Role != service.RoleCandidate })
}

// candidatePresses are the buttons of candidates, strangerPresses those of people
// who are nobody yet. Whatever else they press is not for them, whoever has it.
var (
	strangerPresses  = []Action{pressLanguages, pressSpeak, pressFind, pressFindCancel, pressMenu}
	candidatePresses = append(slices.Clone(strangerPresses), pressMine, pressCopy, pressTasks, pressSettings)
)

// candidateTurn answers a candidate who does not work here, or somebody who is
// nobody yet.
func (b *Bot) candidateTurn(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press != nil {
		return b.candidatePress(ctx, t, t.Press.Do)
	}
	if t.Command != "" {
		return b.candidateCommand(ctx, t)
	}
	if r, taken, err := b.claimTurn(ctx, t); taken || err != nil {
		return r, err
	}
	if code, _, known := b.typedLabel(t); known {
		t.Press, t.typed = &Press{Do: code}, true
		return b.candidatePress(ctx, t, code)
	}
	if t.Again { // the answer to a question, most likely, that was taken the first time
		if t.By.PersonID == 0 {
			return Reply{}, nil
		}
		return b.ledTo(ctx, t)
	}
	r, err := b.home(ctx, t)
	if t.File != nil || t.Other != "" || t.By.PersonID != 0 {
		r.Lead = string(ReasonUnexpected)
	}
	return r, err
}

// ledTo tells a candidate whose answer was taken before the program was stopped what
// it has led to; a day is that of a link.
func (b *Bot) ledTo(ctx context.Context, t *Turn) (Reply, error) {
	r, err := b.mine(ctx, t)
	r.Edit = false
	_, noDay := service.ReadBorn(t.Text)
	_, noDigits := service.ReadDigits(t.Text)
	if noDay == nil || noDigits == nil {
		r.Lead, r.LeadData = "candidate_arrived", candidateView{t.By.Name}
	}
	return r, err
}

func (b *Bot) candidatePress(ctx context.Context, t *Turn, do Action) (Reply, error) {
	allowed := candidatePresses
	if t.By.PersonID == 0 {
		allowed = strangerPresses
	}
	switch {
	case !slices.Contains(allowed, do) && t.By.PersonID == 0:
		return b.home(ctx, t)
	case !slices.Contains(allowed, do):
		return Reply{}, &service.Error{Kind: service.NotFound, Reason: service.ReasonNotFound}
	case do == pressMenu:
		return edited(b.home(ctx, t))
	case do == pressTasks:
		return b.mine(ctx, t)
	case do == pressSettings:
		return b.languages(ctx, t)
	}
	return b.actions[do].do(ctx, t)
}

func (b *Bot) candidateCommand(ctx context.Context, t *Turn) (Reply, error) {
	known := t.By.PersonID != 0
	switch {
	case t.Command == "start" && t.Text != "":
		return b.accept(ctx, t)
	case t.Command == "cancel":
		return b.cancelClaim(ctx, t)
	case t.Command == "settings":
		return b.languages(ctx, t)
	case t.Command == "tasks" && known:
		return b.mine(ctx, t)
	case t.Command == "help" && known:
		return b.candidateHelp(t), nil
	}
	if t.Command == "start" && known {
		b.outfit(ctx, t.Chat, t.By)
	}
	return b.home(ctx, t)
}

// candidateView is what screens of candidates greet with.
type candidateView struct {
	Name string
}

// home is where somebody stands who has asked for nothing: the menu of those who
// work here, the screen of a candidate, the first screen of a stranger.
func (b *Bot) home(ctx context.Context, t *Turn) (Reply, error) {
	switch {
	case t.By.PersonID == 0:
		return welcome(), nil
	case onlyCandidate(t.By):
		return own(Reply{Text: "candidate_home", Data: candidateView{t.By.Name}, Rows: candidateRows()}), nil
	}
	t.text = b.textFor(t.By)
	return b.menu(ctx, t)
}

// own makes a reply the one screen in a chat that names a candidate: an earlier one
// gives way to it, and it is renewed when an application is taken away.
func own(r Reply) Reply {
	r.Live, r.Name = service.OwnNotice{}, service.OwnNotice{}.NoticeKey()
	return r
}

// renderOwn renews that screen.
func (b *Bot) renderOwn(ctx context.Context, to service.Actor, n service.OwnNotice) (letter, error) {
	if to.Has(service.RoleCandidate) {
		r, err := b.mine(ctx, &Turn{By: to})
		if err != nil {
			return letter{}, err
		}
		r.Lead, r.text = "candidate_taken_away", b.ownText(to)
		return b.renew(ctx, to, n, r)
	}
	r := Reply{Text: "candidate_taken_away", Rows: [][]Button{row(Button{Press: Press{Do: pressMenu}})}, text: b.texts[to.Language]}
	return b.renew(ctx, to, n, r)
}

// welcome is the first screen of a stranger.
func welcome() Reply {
	return Reply{Text: "candidate_welcome", Rows: append([][]Button{row(Button{Press: Press{Do: pressFind}})}, languageRows()...)}
}

func (b *Bot) candidateHelp(t *Turn) Reply {
	return Reply{Text: "candidate_help", Data: candidateView{t.By.Name}, Rows: candidateRows()}
}

// candidateRows are what a candidate can do.
func candidateRows() [][]Button {
	return [][]Button{
		row(Button{Press: Press{Do: pressMine}}),
		row(Button{Press: Press{Do: pressFind}}),
		row(Button{Press: Press{Do: pressLanguages}}),
	}
}

// languageRows are the buttons of the languages, each in its own words.
func languageRows() [][]Button {
	var out [][]Button
	for some := range slices.Chunk(service.CandidateLanguages, 2) {
		var buttons []Button
		for _, l := range some {
			id := int64(slices.Index(service.CandidateLanguages, l)) + 1
			buttons = append(buttons, Button{Args: l, Press: Press{Do: pressSpeak, ID: id}})
		}
		out = append(out, buttons)
	}
	return out
}

// mayBeCandidate refuses those who only work here: the buttons of candidates are
// not for them.
func mayBeCandidate(by service.Actor) error {
	if by.PersonID != 0 && !by.Has(service.RoleCandidate) {
		return &service.Error{Kind: service.Forbidden, Reason: service.ReasonForbidden}
	}
	return nil
}

// languages lets choose the language of the texts.
func (b *Bot) languages(_ context.Context, t *Turn) (Reply, error) {
	if err := mayBeCandidate(t.By); err != nil {
		return Reply{}, err
	}
	return Reply{Text: "candidate_languages", Edit: true, Rows: append(languageRows(), row(Button{Press: Press{Do: pressMenu}}))}, nil
}

// speak chooses a language, and shows in it where the person stands; those who
// work here are shown what they see as candidates.
func (b *Bot) speak(ctx context.Context, t *Turn) (Reply, error) {
	if err := mayBeCandidate(t.By); err != nil {
		return Reply{}, err
	}
	if t.Press.ID < 1 || t.Press.ID > int64(len(service.CandidateLanguages)) {
		return b.languages(ctx, t)
	}
	language := service.CandidateLanguages[t.Press.ID-1]
	if t.By.PersonID == 0 {
		if err := b.Candidates.ChooseLanguage(ctx, t.Chat, language); err != nil {
			return Reply{}, err
		}
		t.text = b.texts[language]
		c, err := b.Candidates.Claim(ctx, t.Chat)
		if err != nil {
			return Reply{}, err
		}
		if c.OfLink() { // the question is what they could not read
			return edited(askLink(c.Step)(ctx, t))
		}
		return edited(b.home(ctx, t))
	}
	if _, err := b.People.SetLanguage(ctx, t.By, language); err != nil {
		return Reply{}, err
	}
	t.By.Language, t.text = language, b.texts[language]
	b.outfit(ctx, t.Chat, t.By)
	if !onlyCandidate(t.By) {
		return b.mine(ctx, t)
	}
	return edited(b.home(ctx, t))
}

// mineView is what the own applications show.
type mineView struct {
	List []service.CandidateView
}

// mine shows the own applications in words that people understand.
func (b *Bot) mine(ctx context.Context, t *Turn) (Reply, error) {
	t.text = b.ownText(t.By)
	list, err := b.Candidates.Mine(ctx, t.By)
	if err != nil {
		return Reply{}, err
	}
	r := own(Reply{Text: "candidate_mine", Data: mineView{list}, Edit: true})
	for i := range list {
		if list[i].Ready {
			r.Rows = append(r.Rows, row(Button{Args: list[i].Application.Number, Press: Press{Do: pressCopy, ID: list[i].Application.ID}}))
		}
	}
	r.Rows = append(r.Rows, row(Button{Press: Press{Do: pressMenu}}))
	return r, nil
}

// copyPressed sends the scan once more.
func (b *Bot) copyPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 { // typed
		return b.mine(ctx, t)
	}
	s, err := b.Candidates.Scan(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	r, err := b.scanReply(t.text, s)
	if err != nil {
		return Reply{}, err
	}
	r.sent = b.delivered(t.By, s)
	return r, nil
}

// scanReply is a scan as its candidate gets it. It can be saved and handed on: it
// is theirs.
func (b *Bot) scanReply(text *templates.Set, s *service.CandidateScan) (Reply, error) {
	name, err := text.Label("candidate_file", s.Application.Number)
	if err != nil {
		return Reply{}, err
	}
	doc := Attachment{Name: service.SafeName(name) + s.Ending, Size: s.Size, Open: func(ctx context.Context) (io.ReadCloser, error) {
		return b.Candidates.Open(ctx, s.SHA)
	}}
	return Reply{Text: "candidate_delivery", Data: s, Document: &doc, text: text, Rows: [][]Button{row(Button{Press: Press{Do: pressMine}})}}, nil
}

// delivered notes that a scan has arrived.
func (b *Bot) delivered(to service.Actor, s *service.CandidateScan) func(context.Context, int) error {
	return func(ctx context.Context, id int) error {
		n := service.DeliveryNotice{ApplicationID: s.Application.ID, ScanID: s.ScanID}
		return b.Candidates.Delivered(ctx, to, n, int64(id))
	}
}

// candidateNotices are the notices of this subject. A scan whose request got no
// answer is not sent again: it may have arrived, and a person decides.
func (b *Bot) candidateNotices() map[string]notice {
	return map[string]notice{
		service.DeliveryNotice{}.NoticeKind():   {b.renderDelivery, false},
		service.LinksEndedNotice{}.NoticeKind(): {each(b.renderLinksEnded), true},
		service.OwnNotice{}.NoticeKind():        {each(b.renderOwn), true},
	}
}

// renderLinksEnded tells staff that the links of an application ended, unless its
// candidate has come in meanwhile.
func (b *Bot) renderLinksEnded(ctx context.Context, to service.Actor, n service.LinksEndedNotice) (letter, error) {
	v, err := b.Exams.Application(ctx, to, n.ApplicationID)
	if err != nil {
		return gone(err)
	}
	if v.Application.PersonID != 0 {
		return letter{Skip: true}, nil
	}
	return letter{Reply: Reply{Text: "candidate_links_ended", Data: v, Rows: [][]Button{
		row(Button{Press: Press{pressCandidate, v.Application.ID, 0}}),
		row(Button{Press: Press{pressApplication, v.Application.ID, 0}, Args: v.Application.Number}, Button{Press: Press{Do: pressMenu}}),
	}}}, nil
}

// renderDelivery brings a scan to its candidate, one in a message: what waits
// together is queued anew but for the first.
func (b *Bot) renderDelivery(ctx context.Context, to service.Actor, batch []json.RawMessage) (letter, error) {
	var first *service.CandidateScan
	var rest []service.DeliveryNotice
	seen := map[service.DeliveryNotice]bool{}
	for _, raw := range batch {
		var n service.DeliveryNotice
		if err := json.Unmarshal(raw, &n); err != nil {
			return letter{}, fmt.Errorf("decode notice: %w", err)
		}
		if seen[n] {
			continue
		}
		seen[n] = true
		if first != nil {
			rest = append(rest, n)
			continue
		}
		var err error
		if first, err = b.Candidates.Due(ctx, to, n); err != nil {
			return letter{}, err
		}
	}
	if first == nil {
		return letter{Skip: true}, nil
	}
	if len(rest) > 0 {
		if err := b.Candidates.Later(ctx, to, rest); err != nil {
			return letter{}, err
		}
	}
	r, err := b.scanReply(b.ownText(to), first)
	return letter{Reply: r, Sent: b.delivered(to, first)}, err
}

// askLink asks whoever has opened the link of an application what awaits them. Who is
// nobody yet may read another language than their Telegram.
func askLink(step service.ClaimStep) handler {
	return func(_ context.Context, t *Turn) (Reply, error) {
		r := questionBorn()
		if step == service.ClaimLinkDigits {
			r = questionDigits()
		}
		if t.By.PersonID == 0 {
			r.Rows = append(r.Rows, languageRows()...)
		}
		return r, nil
	}
}

// questionBorn asks for the day of birth, of an application's link or in a search.
func questionBorn() Reply {
	return Reply{Text: "candidate_born", Rows: cancelRows()}
}

// questionDigits asks for the last digits of the identity document, as questionBorn.
func questionDigits() Reply {
	return Reply{Text: "candidate_digits", Rows: cancelRows()}
}

// cancelRows is the way out of what a candidate has begun.
func cancelRows() [][]Button { return [][]Button{row(Button{Press: Press{Do: pressFindCancel}})} }

// leaveLink forgets the link that somebody has opened, and tells whether its
// question was awaited.
func (b *Bot) leaveLink(ctx context.Context, t *Turn) (bool, error) {
	c, err := b.Candidates.Claim(ctx, t.Chat)
	if err != nil || !c.OfLink() {
		return false, err
	}
	return true, b.Candidates.CancelClaim(ctx, t.Chat)
}

// arrivedCandidate greets somebody who has come in by the link of an application.
func (b *Bot) arrivedCandidate(ctx context.Context, t *Turn, in service.Arrival) (Reply, error) {
	t.By, t.text = in.Actor, b.textFor(in.Actor)
	b.outfit(ctx, t.Chat, t.By)
	if err := b.Candidates.CancelClaim(ctx, t.Chat); err != nil {
		return Reply{}, err
	}
	r, err := b.mine(ctx, t)
	r.Edit, r.Lead, r.LeadData = false, "candidate_arrived", candidateView{in.Application.Name()}
	return r, err
}

// find begins to look for applications by telephone.
func (b *Bot) find(ctx context.Context, t *Turn) (Reply, error) {
	if err := mayBeCandidate(t.By); err != nil {
		return Reply{}, err
	}
	if err := b.Candidates.BeginClaim(ctx, t.Chat); err != nil {
		return Reply{}, err
	}
	return askContact(), nil
}

func askContact() Reply { return Reply{Text: "candidate_phone", Contact: "candidate_contact"} }

// cancelClaim ends the search, or the question of a link, if any.
func (b *Bot) cancelClaim(ctx context.Context, t *Turn) (Reply, error) {
	left, err := b.leaveLink(ctx, t)
	if err != nil {
		return Reply{}, err
	}
	if left { // of anybody: those who work here can open a candidate's link
		r, err := edited(b.home(ctx, t))
		r.Lead = "candidate_link_left"
		return r, err
	}
	if err := mayBeCandidate(t.By); err != nil {
		return Reply{}, err
	}
	c, err := b.Candidates.Claim(ctx, t.Chat)
	if err != nil {
		return Reply{}, err
	}
	if err := b.Candidates.CancelClaim(ctx, t.Chat); err != nil {
		return Reply{}, err
	}
	if c.Step == service.ClaimPhone { // the key of the contact goes
		return Reply{Text: "candidate_cancelled", NoKeys: true}, nil
	}
	return edited(b.home(ctx, t))
}

// claimTurn takes what somebody says in a search for their applications: a
// contact at any time, the rest while it is awaited; and the answer to the question
// of a candidate's link, which those who work here can open too. It reports false
// for what is no part of these.
func (b *Bot) claimTurn(ctx context.Context, t *Turn) (Reply, bool, error) {
	if t.Contact != nil && mayBeCandidate(t.By) == nil {
		r, err := b.asCandidate(b.claimPhone)(ctx, t)
		return r, true, err
	}
	c, err := b.Candidates.Claim(ctx, t.Chat)
	if err != nil || c.Step == service.ClaimIdle || !c.OfLink() && mayBeCandidate(t.By) != nil {
		return Reply{}, false, err
	}
	// They have turned to something else.
	works := t.By.PersonID != 0 && !onlyCandidate(t.By)
	if code, _, known := b.typedLabel(t); known && t.Text != "" && (works || slices.Contains(candidatePresses, code)) {
		return Reply{}, false, nil
	}
	if works && t.File != nil {
		_, err := b.leaveLink(ctx, t)
		return Reply{}, false, err
	}
	r, err := b.asCandidate(func(ctx context.Context, t *Turn) (Reply, error) { return b.claimStep(ctx, t, c) })(ctx, t)
	return r, true, err
}

func (b *Bot) claimPhone(ctx context.Context, t *Turn) (Reply, error) {
	err := b.Candidates.ClaimPhone(ctx, service.ClaimContact{TelegramID: t.Chat, OwnerID: t.Contact.Owner, Phone: t.Contact.Phone})
	if err != nil {
		return refusedAnswer(askContact(), err)
	}
	return Reply{Text: "candidate_born", NoKeys: true}, nil
}

func (b *Bot) claimStep(ctx context.Context, t *Turn, c *service.Claim) (Reply, error) {
	switch c.Step {
	case service.ClaimBorn:
		if err := b.Candidates.ClaimBorn(ctx, t.Chat, t.Text); err != nil {
			return refusedAnswer(questionBorn(), err)
		}
		return questionDigits(), nil
	case service.ClaimDigits:
		return b.claimDigits(ctx, t)
	case service.ClaimLink:
		return b.claimLink(ctx, t)
	case service.ClaimLinkDigits:
		return b.claimLinkDigits(ctx, t)
	case service.ClaimPhone, service.ClaimIdle:
	}
	r := askContact()
	r.Lead = string(ReasonUnexpected)
	return r, nil
}

// tookDay tells that a turn is the day of birth, which was taken before the program
// was stopped, and not the digits that are awaited after it.
func tookDay(t *Turn) bool {
	_, err := service.ReadBorn(t.Text)
	return t.Again && err == nil
}

// claimDigits takes the last answer of a search.
func (b *Bot) claimDigits(ctx context.Context, t *Turn) (Reply, error) {
	if tookDay(t) {
		return questionDigits(), nil
	}
	done, err := b.Candidates.ClaimDigits(ctx, service.ClaimInput{TelegramID: t.Chat, Language: t.Language, Digits: t.Text})
	switch {
	case err == nil:
		return b.claimed(ctx, t, done)
	case service.ReasonOf(err) == service.ReasonCandidateNoMatch:
		return refusedAnswer(questionBorn(), err)
	}
	return refusedAnswer(questionDigits(), err)
}

// claimLink takes the day of birth of whoever has opened a link.
func (b *Bot) claimLink(ctx context.Context, t *Turn) (Reply, error) {
	in, err := b.Candidates.ClaimLink(ctx, service.ClaimLinkInput{TelegramID: t.Chat, Language: t.Language, Text: t.Text, Again: t.Again})
	return b.answeredLink(ctx, t, questionBorn(), in, err)
}

// claimLinkDigits takes the last digits of the document after claimLink.
func (b *Bot) claimLinkDigits(ctx context.Context, t *Turn) (Reply, error) {
	if tookDay(t) {
		return questionDigits(), nil
	}
	in, err := b.Candidates.ClaimLinkDigits(ctx, service.ClaimLinkInput{TelegramID: t.Chat, Language: t.Language, Text: t.Text})
	return b.answeredLink(ctx, t, questionDigits(), in, err)
}

// answeredLink shows what an answer to a question of a link has led to.
func (b *Bot) answeredLink(ctx context.Context, t *Turn, asked Reply, in *service.Arrival, err error) (Reply, error) {
	why := service.ReasonOf(err)
	switch {
	case err == nil && in.Asked:
		return questionDigits(), nil
	case why == service.ReasonInvitationInvalid || why == service.ReasonCandidateStaff:
		return b.refusedLink(ctx, t, err)
	case why == service.ReasonCandidateNotBoth:
		return refusedAnswer(questionBorn(), err)
	case err != nil:
		return refusedAnswer(asked, err)
	}
	return b.arrivedCandidate(ctx, t, *in)
}

// refusedAnswer shows why an answer was refused above the question, which is not asked
// again of who has to wait.
func refusedAnswer(ask Reply, err error) (Reply, error) {
	e := service.AsError(err)
	if e.Kind != service.Invalid || e.Reason == service.ReasonCandidateSlow {
		return Reply{}, err
	}
	ask.Lead, ask.LeadData = string(e.Reason), e.Data
	return ask, nil
}

// claimed shows what a search has found.
func (b *Bot) claimed(ctx context.Context, t *Turn, done *service.Claimed) (Reply, error) {
	t.By = done.Actor
	b.outfit(ctx, t.Chat, t.By)
	r, err := b.mine(ctx, t)
	r.Edit, r.Lead = false, "candidate_found"
	return r, err
}

// candidateExamRows are this subject's rows of buttons on an exam's card.
func (b *Bot) candidateExamRows(_ *Turn, v *service.ExamView) [][]Button {
	if v.Exam.Applications == 0 {
		return nil
	}
	buttons := row(Button{Press: Press{pressReach, v.Exam.ID, 0}})
	if v.Staff {
		buttons = append(buttons, Button{Press: Press{pressSlips, v.Exam.ID, 0}})
	}
	return [][]Button{buttons}
}

// candidateApplicationRows are this subject's rows of buttons on an application's card.
func (b *Bot) candidateApplicationRows(_ *Turn, v *service.ApplicationView) [][]Button {
	switch {
	case !v.Staff:
		return nil
	case v.Application.PersonID == 0:
		return [][]Button{row(Button{Press: Press{pressCandidate, v.Application.ID, 0}})}
	}
	return [][]Button{row(Button{Press: Press{pressUnlinking, v.Application.ID, 0}})}
}

// candidateLink is what a candidate's invitation says.
type candidateLinkView struct {
	inviteView
	Number string // of the application
	Asks   service.LinkAsks
}

// inviteCandidate makes a link to an application.
func (b *Bot) inviteCandidate(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 { // typed: an exam's card leads on
		return b.chooseExam(ctx, t, service.ExamFilter{}, pressExam)
	}
	v, err := b.Exams.Application(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	name, err := b.botName(ctx)
	if err != nil {
		return Reply{}, err
	}
	token, inv, err := b.Candidates.Invite(ctx, t.By, t.Press.ID, t.UpdateID)
	if err != nil {
		return Reply{}, err
	}
	asks, err := b.Candidates.Asks(ctx, &v.Application)
	if err != nil {
		return Reply{}, err
	}
	link := linkTo(name, token)
	return Reply{
		Text:  "candidate_invited",
		Data:  candidateLinkView{inviteView{Name: inv.Name, Role: inv.Role, Link: link, Until: inv.ExpiresAt, Zone: t.By.Zone}, v.Application.Number, asks},
		Photo: &Attachment{Name: "invitation.png", Open: drawQR(link)},
		Rows:  beside(v.Exam.ID),
	}, nil
}

// beside are buttons under what must stay in sight: they lead to screens of their
// own messages.
func beside(examID int64) [][]Button {
	return [][]Button{row(Button{Press: Press{pressReach, examID, 0}}, Button{Press: Press{Do: pressMenu}})}
}

func linkTo(bot, token string) string { return "https://t.me/" + bot + "?start=" + token }

// slipsView is what goes with the slips.
type slipsView struct {
	Exam      service.Exam
	Count     int
	Unguarded []string // numbers of applications, see service.LinkAsks
}

// slips draws the slips of an exam. They are in the answer and nowhere else:
// whoever holds one gets the certificate of its candidate.
func (b *Bot) slips(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseExam(ctx, t, service.ExamFilter{}, pressSlips)
	}
	v, err := b.Exams.View(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	name, err := b.botName(ctx)
	if err != nil {
		return Reply{}, err
	}
	drawn, n, err := b.Candidates.Slips(ctx, t.By, service.SlipsInput{
		ExamID: t.Press.ID, UpdateID: t.UpdateID,
		Link: func(token string) string { return linkTo(name, token) },
		Words: func(language string) (string, error) {
			text, known := b.texts[language]
			if !known {
				return "", nil
			}
			return text.Label("candidate_slip", nil)
		},
	})
	if err != nil {
		return Reply{}, err
	}
	unguarded, err := b.Candidates.Unguarded(ctx, t.By, v.Exam.ID)
	if err != nil {
		return Reply{}, err
	}
	file, err := b.text.Label("candidate_slips_file", v.Exam.Number)
	if err != nil {
		return Reply{}, err
	}
	return Reply{
		Text: "candidate_slips", Data: slipsView{v.Exam, n, unguarded}, Rows: beside(v.Exam.ID),
		Document: &Attachment{Name: service.SafeName(file), Size: int64(len(drawn)), Open: func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(drawn)), nil
		}},
	}, nil
}

// reachScreen is what the list of candidates says.
type reachScreen struct {
	*service.ReachView
	List        []service.CandidateReach
	Page, Pages int
	Zone        string
}

// reachPressed shows who gets the certificate in chat and who does not.
func (b *Bot) reachPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseExam(ctx, t, service.ExamFilter{}, pressReach)
	}
	v, err := b.Candidates.Reach(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	page := min(pageOf(int64(t.Press.Version)), pagesOf(len(v.Rest))-1)
	s := reachScreen{ReachView: v, Page: page, Pages: pagesOf(len(v.Rest)), Zone: t.By.Zone}
	s.List = v.Rest[page*pageSize : min((page+1)*pageSize, len(v.Rest))]
	r := Reply{Text: "candidate_reach", Data: s, Edit: true}
	for i := range s.List {
		c := &s.List[i]
		r.Rows = append(r.Rows, row(Button{Label: "application_item", Args: c, Press: Press{pressApplication, c.ApplicationID, 0}}))
	}
	r.Rows = append(r.Rows, turnPages(page, s.Pages > page+1, func(p int) Press { return Press{pressReach, v.Exam.ID, p} })...)
	if v.Staff && (v.Exam.Loaded > 0 || v.Exam.PausedAt != nil) {
		r.Rows = append(r.Rows, openQuestionRows(v.Give.Questions)...)
		r.Rows = append(r.Rows, deliveryRows(&v.Exam, v.Give.Going)...)
	}
	if v.Staff && v.Unlinked > 0 {
		r.Rows = append(r.Rows, row(Button{Press: Press{pressSlips, v.Exam.ID, 0}}))
	}
	r.Rows = append(r.Rows, examRows(v.Exam.ID, v.Exam.Number)...)
	return r, nil
}

// unlinking asks before an application is taken away from somebody.
func (b *Bot) unlinking(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseExam(ctx, t, service.ExamFilter{}, pressExam)
	}
	v, err := b.Exams.Application(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	if v.Application.PersonID == 0 {
		return Reply{}, &service.Error{Kind: service.Conflict, Reason: service.ReasonCandidateNotLinked}
	}
	r := Reply{Text: "candidate_unlink_ask", Data: v, Edit: true, Rows: [][]Button{row(
		Button{Press: Press{pressUnlink, v.Application.ID, v.Application.Revision}},
		Button{Label: "back", Press: Press{pressApplication, v.Application.ID, 0}},
	)}}
	if v.Delivery.Recallable {
		r.Rows = append([][]Button{row(Button{Press: Press{pressRecalling, v.Application.ID, 0}})}, r.Rows...)
	}
	return r, nil
}

func (b *Bot) unlink(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseExam(ctx, t, service.ExamFilter{}, pressExam)
	}
	who, err := b.Candidates.Unlink(ctx, t.By, t.Press.ID, t.Press.Version)
	if err != nil {
		return Reply{}, err
	}
	left, err := b.People.Actor(ctx, who.TelegramID)
	if err != nil && service.AsError(err).Kind != service.NotFound {
		return Reply{}, err
	}
	b.outfit(ctx, who.TelegramID, left)
	r, err := edited(b.applicationCard(ctx, t, t.Press.ID))
	r.Toast = "candidate_unlinked"
	return r, err
}
