package bot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/skip2/go-qrcode"

	"flowbot/bot/chat"
	"flowbot/service"
	"flowbot/templates"
)

// Buttons of people and invitations. Where the ID is a place it is the
// organisation's id, placeAdmins for the admins, and 0 lets the bot find the
// place or ask.
const (
	pressStaff     Action = "ps" // a place; Version is the page, -1 the first one in a new message
	pressInvite    Action = "pi" // a place
	pressPlaces    Action = "po" // ID is the page of the places whose people are to be shown
	pressInto      Action = "pn" // ID is the page of the places to invite into
	pressInvited   Action = "pv" // a place; Version is the page of the open invitations
	pressRevoke    Action = "px" // ID is the invitation's; Version 1 under the invitation itself, 0 in the list
	pressColleague Action = "pc" // ID is the membership's; Version is the page of the list it was on
	pressRemoving  Action = "pq" // the same: asks first
	pressRemoved   Action = "pr" // the same: removes
	pressSettings  Action = "pt"
	pressMute      Action = "pm"
	pressUnmute    Action = "pu"
)

// placeAdmins stands for the admins where the ID is an organisation's.
const placeAdmins = -1

func (b *Bot) peopleActions() []action {
	return []action{
		{pressStaff, "staff", b.staffPressed},
		{pressInvite, "invite", b.invitePressed},
		{pressPlaces, "places", b.placesPressed(pressStaff, pressPlaces)},
		{pressInto, "into", b.placesPressed(pressInvite, pressInto)},
		{pressInvited, "invitations", b.invitationsPressed},
		{pressRevoke, "revoke", b.revokePressed},
		{pressColleague, "colleague", b.colleaguePressed},
		{pressRemoving, "colleague_remove", b.removingPressed},
		{pressRemoved, "colleague_remove_yes", b.removePressed},
		{pressSettings, "settings", b.settingsPressed},
		{pressMute, "mute", b.mutePressed(true)},
		{pressUnmute, "unmute", b.mutePressed(false)},
	}
}

// arrivedView is what somebody reads who has come in by a link.
type arrivedView struct {
	Name    string
	Role    service.Role
	Org     string // "" for an admin
	Already bool
}

// accept lets the sender of /start TOKEN in.
func (b *Bot) accept(ctx context.Context, t *Turn) (Reply, error) {
	in, err := b.People.Accept(ctx, service.AcceptInput{TelegramID: t.Chat, Language: t.Language, Chosen: t.chosen, Token: t.Text})
	switch {
	case err != nil:
		return b.refusedLink(ctx, t, err)
	case in.Asked:
		return b.asCandidate(askLink(service.ClaimLink))(ctx, t)
	case in.Application != nil:
		return b.arrivedCandidate(ctx, t, in)
	}
	t.By, t.text = in.Actor, b.textFor(in.Actor)
	b.outfit(ctx, t.Chat, t.By)
	r, err := b.menu(ctx, t)
	r.Text, r.Data = "arrived", arrivedView{in.Actor.Name, in.Seat.Role, orgName(in.Org), in.Already && !t.Again}
	return r, err
}

// refusedLink says that a link leads nowhere. The question of one that was opened
// before it is not awaited any more: its answer would be taken for one to this link.
func (b *Bot) refusedLink(ctx context.Context, t *Turn, cause error) (Reply, error) {
	e := service.AsError(cause)
	if e.Kind != service.Invalid {
		return Reply{}, cause
	}
	if _, err := b.leaveLink(ctx, t); err != nil {
		return Reply{}, err
	}
	if t.By.PersonID == 0 {
		return Reply{}, cause
	}
	r, err := b.home(ctx, t)
	r.Text, r.Data = string(e.Reason), e.Data
	return r, err
}

// started answers /start: a link, or the menu with the commands set anew.
func (b *Bot) started(ctx context.Context, t *Turn) (Reply, error) {
	if t.Text != "" {
		return b.accept(ctx, t)
	}
	b.outfit(ctx, t.Chat, t.By)
	return b.menu(ctx, t)
}

// roleCommands are the commands that each role sees, in their order; what two
// roles share is shown once. Each has its words in the labels, command_NAME.
var roleCommands = map[service.Role][]string{
	service.RolePartnerRep:  {"tasks", "menu", "staff", "settings", "help", "cancel"},
	service.RoleOperatorRep: {"tasks", "menu", "staff", "settings", "help", "cancel"},
	service.RoleCenterStaff: {"tasks", "menu", "staff", "settings", "help", "cancel"},
	service.RoleAdmin:       {"tasks", "menu", "staff", "settings", "help", "cancel"},
	service.RoleCandidate:   {"menu", "settings", "help", "cancel"},
}

// outfit sets the commands that a person sees. Without them everything works all
// the same, so a failure is only written down.
func (b *Bot) outfit(ctx context.Context, chatID int64, by service.Actor) {
	var names []string
	seen := map[string]bool{}
	for _, role := range rolesOf(by) {
		for _, name := range roleCommands[role] {
			if !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	if err := b.setCommands(ctx, chatID, "", b.textFor(by), names); err != nil {
		b.log.WarnContext(ctx, "commands not set", "chat", chatID, "err", err)
	}
}

// Announce sets what everybody sees who is not known yet: the command /start
// and the menu button. It is called once, when the program starts.
func (b *Bot) Announce(ctx context.Context) error {
	if err := b.setCommands(ctx, 0, "", b.text, []string{"start"}); err != nil {
		return fmt.Errorf("commands: %w", err)
	}
	for _, language := range service.CandidateLanguages {
		if err := b.setCommands(ctx, 0, language, b.texts[language], []string{"start"}); err != nil {
			return fmt.Errorf("commands in %s: %w", language, err)
		}
	}
	if err := b.chat.SetMenuButton(ctx, 0); err != nil {
		return fmt.Errorf("menu button: %w", err)
	}
	return nil
}

func (b *Bot) setCommands(ctx context.Context, chatID int64, language string, text *templates.Set, names []string) error {
	commands := make([]chat.Command, 0, len(names))
	for _, name := range names {
		words, err := text.Label("command_"+name, nil)
		if err != nil {
			return err
		}
		commands = append(commands, chat.Command{Name: name, Text: words})
	}
	return b.chat.SetCommands(ctx, chatID, language, commands)
}

// reach notes that somebody has blocked the bot, or let it in again.
func (b *Bot) reach(ctx context.Context, u chat.Update) error {
	by, err := b.People.Actor(ctx, u.From.ID)
	if err != nil {
		if service.AsError(err).Kind == service.NotFound {
			return nil
		}
		return err
	}
	if u.Reach == chat.ReachBack {
		return b.People.MarkReachable(ctx, by.PersonID)
	}
	return b.People.MarkUnreachable(ctx, by.PersonID, b.now())
}

// heard notes that somebody who could not be reached has written again.
func (b *Bot) heard(ctx context.Context, by service.Actor) error {
	if !by.Unreachable {
		return nil
	}
	return b.People.MarkReachable(ctx, by.PersonID)
}

// orgName is the name of an organisation, "" for the admins' place.
func orgName(o *service.Org) string {
	if o == nil {
		return ""
	}
	return o.Name
}

// placeID is the ID of a place in a button.
func placeID(orgID int64) int64 {
	if orgID == 0 {
		return placeAdmins
	}
	return orgID
}

// orgOf is the organisation that a place's button names, 0 for the admins.
func orgOf(id int64) int64 {
	if id == placeAdmins {
		return 0
	}
	return id
}

// dayOf is the day that it was for the reader.
func dayOf(at time.Time, by service.Actor) service.Day {
	loc, err := time.LoadLocation(by.Zone)
	if err != nil { // the zone was checked when it was set
		loc = time.UTC
	}
	return service.DayOf(at, loc)
}

// pageOf is the page that a button names.
func pageOf(n int64) int { return int(min(max(0, n), 1<<20)) }

// pagesOf is how many pages a list has, at least one.
func pagesOf(total int) int { return max(1, (total+pageSize-1)/pageSize) }

// onlyPlace returns the place of a person who has but one.
func (b *Bot) onlyPlace(ctx context.Context, by service.Actor) (int64, bool, error) {
	list, n, err := b.People.Places(ctx, by, 0, 1)
	if err != nil {
		return 0, false, err
	}
	if n == 0 {
		return 0, false, &service.Error{Kind: service.Forbidden, Reason: service.ReasonForbidden}
	}
	return list[0].Seat.OrgID, n == 1, nil
}

// placesView is what the list of places says.
type placesView struct {
	Invite      bool // to invite into, not to look at
	Page, Pages int
}

// placesPressed shows a page of the places to choose from.
func (b *Bot) placesPressed(do, self Action) handler {
	return func(ctx context.Context, t *Turn) (Reply, error) {
		page := pageOf(t.Press.ID)
		list, n, err := b.People.Places(ctx, t.By, page*pageSize, pageSize)
		if err != nil {
			return Reply{}, err
		}
		r := Reply{Text: "places", Data: placesView{do == pressInvite, page, pagesOf(n)}, Edit: true}
		for _, p := range list {
			r.Rows = append(r.Rows, row(Button{
				Label: "place", Args: placeButton{p.Seat.Role, orgName(p.Org)}, Press: Press{Do: do, ID: placeID(p.Seat.OrgID)},
			}))
		}
		r.Rows = append(r.Rows, turnPages(page, n > (page+1)*pageSize, func(p int) Press { return Press{Do: self, ID: int64(p)} })...)
		r.Rows = append(r.Rows, row(Button{Press: Press{Do: pressMenu}}))
		return r, nil
	}
}

// placeButton is what the button of a place says.
type placeButton struct {
	Role service.Role
	Org  string // "" for the admins
}

// staffView is what the list of those who are in says.
type staffView struct {
	Org         string // "" for the admins
	Total, Open int
	Page, Pages int
	List        []staffLine
}

// staffLine is one person of the list.
type staffLine struct {
	Number      int
	Name        string
	Since       service.Day
	Unreachable service.Day // since when, no day while they can be reached
}

// staffCommand answers /staff.
func (b *Bot) staffCommand(ctx context.Context, t *Turn) (Reply, error) {
	t.Press = &Press{Do: pressStaff}
	return b.staffPressed(ctx, t)
}

// staffPressed shows who is in, in the person's only place or the chosen one.
func (b *Bot) staffPressed(ctx context.Context, t *Turn) (Reply, error) {
	org := orgOf(t.Press.ID)
	if t.Press.ID == 0 {
		own, only, err := b.onlyPlace(ctx, t.By)
		if err != nil {
			return Reply{}, err
		}
		if !only {
			return b.placesPressed(pressStaff, pressPlaces)(ctx, t)
		}
		org = own
	}
	r, err := b.staff(ctx, t, org, pageOf(int64(t.Press.Version)))
	r.Edit = t.Press.Version >= 0
	return r, err
}

// staff shows a page of those who are in.
func (b *Bot) staff(ctx context.Context, t *Turn, orgID int64, page int) (Reply, error) {
	place, err := b.People.Place(ctx, t.By, orgID)
	if err != nil {
		return Reply{}, err
	}
	list, err := b.People.Colleagues(ctx, t.By, place.Seat, page*pageSize, pageSize)
	if err != nil {
		return Reply{}, err
	}
	if page > 0 && len(list.List) == 0 { // the last page has emptied
		return b.staff(ctx, t, orgID, pagesOf(list.Total)-1)
	}
	id := placeID(orgID)
	v := staffView{Org: orgName(list.Org), Total: list.Total, Open: list.Open, Page: page, Pages: pagesOf(list.Total)}
	var r Reply
	for i, c := range list.List {
		line := staffLine{Number: page*pageSize + i + 1, Name: c.Name, Since: dayOf(c.Since, t.By)}
		if c.UnreachableAt != nil {
			line.Unreachable = dayOf(*c.UnreachableAt, t.By)
		}
		v.List = append(v.List, line)
		r.Rows = append(r.Rows, row(Button{Args: c.Name, Press: Press{pressColleague, c.MembershipID, page}}))
	}
	r.Text, r.Data = "staff", v
	r.Rows = append(r.Rows, turnPages(page, list.Total > (page+1)*pageSize, func(p int) Press { return Press{pressStaff, id, p} })...)
	under := row(Button{Press: Press{Do: pressInvite, ID: id}})
	if list.Open > 0 {
		under = append(under, Button{Args: list.Open, Press: Press{Do: pressInvited, ID: id}})
	}
	r.Rows = append(r.Rows, under, row(Button{Press: Press{Do: pressMenu}}))
	return r, nil
}

// colleagueView is what the card of a person says.
type colleagueView struct {
	Name        string
	Role        service.Role
	Org         string // "" for an admin
	Since       service.Day
	Unreachable service.Day // since when, no day while they can be reached
	Self        bool
}

func colleagueOf(t *Turn, c *service.Seated) colleagueView {
	v := colleagueView{
		Name: c.Person.Name, Role: c.Membership.Role, Org: orgName(c.Org),
		Since: dayOf(c.Membership.AddedAt, t.By), Self: c.Person.ID == t.By.PersonID,
	}
	if c.Person.UnreachableAt != nil {
		v.Unreachable = dayOf(*c.Person.UnreachableAt, t.By)
	}
	return v
}

// aboutColleague shows one person with the buttons that follow.
func (b *Bot) aboutColleague(text string, buttons func(t *Turn, c *service.Seated) [][]Button) handler {
	return func(ctx context.Context, t *Turn) (Reply, error) {
		if t.Press.ID == 0 { // the words were typed: the list says of whom
			return b.staffPressed(ctx, t)
		}
		c, err := b.People.Colleague(ctx, t.By, t.Press.ID)
		if err != nil {
			return Reply{}, err
		}
		return Reply{Text: text, Data: colleagueOf(t, c), Edit: true, Rows: buttons(t, c)}, nil
	}
}

func (b *Bot) colleaguePressed(ctx context.Context, t *Turn) (Reply, error) {
	return b.aboutColleague("colleague", func(t *Turn, c *service.Seated) [][]Button {
		return [][]Button{
			row(Button{Press: Press{pressRemoving, t.Press.ID, t.Press.Version}}),
			row(Button{Label: "back", Press: Press{pressStaff, placeID(c.Membership.OrgID), t.Press.Version}}, Button{Press: Press{Do: pressMenu}}),
		}
	})(ctx, t)
}

// removingPressed asks before it removes.
func (b *Bot) removingPressed(ctx context.Context, t *Turn) (Reply, error) {
	return b.aboutColleague("colleague_remove_ask", func(t *Turn, _ *service.Seated) [][]Button {
		return [][]Button{row(
			Button{Press: Press{pressRemoved, t.Press.ID, t.Press.Version}},
			Button{Label: "back", Press: Press{pressColleague, t.Press.ID, t.Press.Version}},
		)}
	})(ctx, t)
}

// removePressed removes, and shows who is left.
func (b *Bot) removePressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.staffPressed(ctx, t)
	}
	gone, err := b.People.Remove(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	if gone.Membership.Role == service.RoleOperatorRep {
		// The clock does the same some minutes later.
		if _, err := b.Acts.ExpireReviews(ctx); err != nil {
			b.log.WarnContext(ctx, "reviews of the removed not given back", "err", err)
		}
	}
	left, err := b.People.Actor(ctx, gone.Person.TelegramID)
	if err != nil && service.AsError(err).Kind != service.NotFound {
		return Reply{}, err
	}
	b.outfit(ctx, gone.Person.TelegramID, left)
	if gone.Person.ID != t.By.PersonID {
		r, err := edited(b.staff(ctx, t, gone.Membership.OrgID, t.Press.Version))
		r.Toast = "colleague_removed"
		return r, err
	}
	if left.PersonID == 0 {
		return Reply{Text: "left", Edit: true}, nil
	}
	t.By, t.text = left, b.textFor(left)
	return edited(b.home(ctx, t))
}

// inviteForm holds the answers of the conversation that makes an invitation.
type inviteForm struct {
	OrgID int64  // 0: an admin
	Name  string // whom it is for
}

// inviteWizard asks whom to invite, and gives the link.
var inviteWizard = Wizard[inviteForm]{
	Name: "invite", Brief: true,
	Steps: []Step[inviteForm]{
		{Name: "name", Ask: askInvited, Take: takeInvited},
	},
	Done: giveLink,
}

// inviteView is what the question and the invitation say.
type inviteView struct {
	Name  string // whom it is for
	Role  service.Role
	Org   string // "" for an admin
	Link  string
	Until time.Time
	Zone  string // in which Until is shown
}

func askInvited(ctx context.Context, b *Bot, t *Turn, f *inviteForm) (Reply, error) {
	place, err := b.People.Place(ctx, t.By, f.OrgID)
	if err != nil {
		return Reply{}, err
	}
	return Reply{
		Text: "invite_ask", Data: inviteView{Role: place.Seat.Role, Org: orgName(place.Org)},
		Rows: [][]Button{row(Button{Press: t.inTalk(pressCancel, 0)})},
	}, nil
}

func takeInvited(_ context.Context, b *Bot, t *Turn, f *inviteForm) (Outcome, error) {
	if t.Press != nil || t.File != nil || t.Text == "" {
		return stay, unexpected(t)
	}
	var err error
	f.Name, err = b.People.CheckPersonName(t.Text)
	return next, err
}

// giveLink makes the invitation. The message can be forwarded: handing the link
// on is what it is for.
func giveLink(ctx context.Context, b *Bot, t *Turn, f *inviteForm) (Reply, error) {
	place, err := b.People.Place(ctx, t.By, f.OrgID)
	if err != nil {
		return Reply{}, err
	}
	name, err := b.botName(ctx)
	if err != nil {
		return Reply{}, err
	}
	token, inv, err := b.People.InviteOnce(ctx, t.By, place.Seat, f.Name, t.UpdateID)
	if err != nil {
		return Reply{}, err
	}
	link := "https://t.me/" + name + "?start=" + token
	return Reply{
		Text:  "invited",
		Data:  inviteView{inv.Name, inv.Role, orgName(place.Org), link, inv.ExpiresAt, t.By.Zone},
		Photo: &Attachment{Name: "invitation.png", Open: drawQR(link)},
		Rows: [][]Button{
			row(Button{Press: Press{pressRevoke, inv.ID, 1}}),
			row(Button{Press: Press{pressStaff, placeID(f.OrgID), -1}}), // the link stays in sight
		},
	}, nil
}

// qrSide is the side of a QR picture in pixels: sharp on a telephone's screen
// and on paper, and below 2 KB.
const qrSide = 512

// drawQR draws a link as a QR code.
func drawQR(link string) func(context.Context) (io.ReadCloser, error) {
	return func(context.Context) (io.ReadCloser, error) {
		png, err := qrcode.Encode(link, qrcode.Medium, qrSide)
		if err != nil {
			return nil, fmt.Errorf("draw a QR code: %w", err)
		}
		return io.NopCloser(bytes.NewReader(png)), nil
	}
}

// botName is the user name in links: as set, else as the messenger knows it.
func (b *Bot) botName(ctx context.Context) (string, error) {
	if b.BotName != "" {
		return b.BotName, nil
	}
	name, err := b.chat.Me(ctx)
	if err == nil && name == "" {
		err = errors.New("the bot has no user name")
	}
	if err != nil {
		return "", fmt.Errorf("name for links: %w", err)
	}
	return name, nil
}

// invitePressed begins an invitation into the person's only place or the chosen
// one.
func (b *Bot) invitePressed(ctx context.Context, t *Turn) (Reply, error) {
	org := orgOf(t.Press.ID)
	if t.Press.ID == 0 {
		own, only, err := b.onlyPlace(ctx, t.By)
		if err != nil {
			return Reply{}, err
		}
		if !only {
			return b.placesPressed(pressInvite, pressInto)(ctx, t)
		}
		org = own
	}
	if _, err := b.People.Place(ctx, t.By, org); err != nil {
		return Reply{}, err
	}
	return b.begin(ctx, t, inviteWizard, inviteForm{OrgID: org})
}

// invitationsView is what the list of open invitations says.
type invitationsView struct {
	Org         string // "" for the admins
	Zone        string // in which times are shown
	Total       int
	Page, Pages int
	List        []invitationLine
}

// invitationLine is one invitation of the list.
type invitationLine struct {
	Number int
	Name   string // whom it is for
	By     string // "" from the command line
	Until  time.Time
}

// invitationsPressed shows the links that can still be used.
func (b *Bot) invitationsPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 { // typed: the list of people leads on
		return b.staffPressed(ctx, t)
	}
	return edited(b.invitations(ctx, t, orgOf(t.Press.ID), pageOf(int64(t.Press.Version))))
}

func (b *Bot) invitations(ctx context.Context, t *Turn, orgID int64, page int) (Reply, error) {
	place, err := b.People.Place(ctx, t.By, orgID)
	if err != nil {
		return Reply{}, err
	}
	list, n, err := b.People.Invitations(ctx, t.By, place.Seat, page*pageSize, pageSize)
	if err != nil {
		return Reply{}, err
	}
	if page > 0 && len(list) == 0 {
		return b.invitations(ctx, t, orgID, pagesOf(n)-1)
	}
	id := placeID(orgID)
	v := invitationsView{Org: orgName(place.Org), Zone: t.By.Zone, Total: n, Page: page, Pages: pagesOf(n)}
	var r Reply
	for i, inv := range list {
		v.List = append(v.List, invitationLine{page*pageSize + i + 1, inv.Name, inv.By, inv.ExpiresAt})
		r.Rows = append(r.Rows, row(Button{Args: inv.Name, Press: Press{Do: pressRevoke, ID: inv.ID}}))
	}
	r.Text, r.Data = "invitations", v
	r.Rows = append(r.Rows, turnPages(page, n > (page+1)*pageSize, func(p int) Press { return Press{pressInvited, id, p} })...)
	r.Rows = append(r.Rows,
		row(Button{Press: Press{Do: pressInvite, ID: id}}, Button{Press: Press{Do: pressStaff, ID: id}}),
		row(Button{Press: Press{Do: pressMenu}}))
	return r, nil
}

// revokePressed makes a link useless, and shows those that are left.
func (b *Bot) revokePressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.staffPressed(ctx, t)
	}
	inv, err := b.People.Revoke(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	if t.Press.Version == 1 { // takes the link away too
		return Reply{Text: "revoked", Data: inv.Name, Edit: true, Caption: true, Rows: [][]Button{
			row(Button{Press: Press{Do: pressInvite, ID: placeID(inv.OrgID)}}, Button{Press: Press{pressStaff, placeID(inv.OrgID), -1}}),
		}}, nil
	}
	r, err := edited(b.invitations(ctx, t, inv.OrgID, 0))
	r.Toast = "revoked_toast"
	return r, err
}

// settingsPressed shows the own settings.
func (b *Bot) settingsPressed(ctx context.Context, t *Turn) (Reply, error) {
	p, err := b.People.Settings(ctx, t.By)
	if err != nil {
		return Reply{}, err
	}
	return settingsCard(p), nil
}

func settingsCard(p *service.Person) Reply {
	do := pressMute
	if p.Muted {
		do = pressUnmute
	}
	return Reply{
		Text: "settings", Data: p, Edit: true,
		Rows: [][]Button{row(Button{Press: Press{Do: do}}), row(Button{Press: Press{Do: pressMenu}})},
	}
}

// mutePressed turns the own reminders off or on.
func (b *Bot) mutePressed(muted bool) handler {
	return func(ctx context.Context, t *Turn) (Reply, error) {
		p, err := b.People.SetMuted(ctx, t.By, muted)
		if err != nil {
			return Reply{}, err
		}
		return settingsCard(p), nil
	}
}
