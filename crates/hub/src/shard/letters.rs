//! Which letter goes to whom.

use parlour_proto::ShardId;

use super::Shard;
use crate::home::Publisher;
use crate::letter::{Body, Letter};
use crate::store::Store;

impl<S: Store> Shard<S> {
    pub(super) fn deliver(&mut self, from: ShardId, letter: Letter) {
        match letter.0 {
            Body::Follow { room, view } => self.handle_follow(from, &room, view),
            Body::Unfollow { room, view } => self.handle_unfollow(from, &room, view),
            Body::Publish {
                room,
                draft,
                from: id,
            } => {
                let publisher = match id {
                    Some(id) => Publisher::Connection { shard: from, id },
                    None => Publisher::Nobody { shard: from },
                };
                self.handle_publish(&room, draft, publisher);
            }
            Body::Read {
                room,
                after,
                reader,
            } => self.handle_read(from, &room, after, reader),
            Body::History { room, page, to, id } => {
                self.handle_history(from, room, page, (to, id));
            }
            Body::Page {
                to,
                room,
                id,
                history,
            } => self.handle_page(to, &room, id.as_ref(), history),
            Body::Notice { room, notice } => self.handle_notice(from, &room, notice),
            Body::Taken {
                room,
                view,
                seq,
                notices,
            } => self.handle_taken(from, &room, view, (seq, notices)),
            Body::Report { room, view, report } => {
                self.handle_report(from, &room, view, *report);
            }
            Body::NewsTaken { room, view } => self.handle_news_taken(from, &room, view),
            Body::News { view, news } => self.handle_news(view, news),
            Body::ReportTaken { view } => self.handle_report_taken(view),
            Body::Following { view, at } => self.handle_following(view, at),
            Body::NotFollowing { view, refusal } => self.handle_not_following(view, refusal),
            Body::Entries {
                view,
                entries,
                notices,
            } => self.handle_entries(view, &entries, &notices),
            Body::Ack {
                to,
                room,
                id,
                position,
            } => self.handle_ack(to, &room, id.as_ref(), position),
            Body::Refused {
                to,
                room,
                id,
                refusal,
            } => self.handle_refused(to, &room, id.as_ref(), refusal),
            Body::Replay { reader, replay } => self.handle_replay(reader, replay),
            Body::Answered { commands, bytes } => {
                self.link(from).credit(commands, bytes);
                self.behind_without_credit = 0;
            }
        }
    }
}
