//! Whose pages may ask, and what a refusal says that an unknown proxy may have caused.

use axum::http::HeaderMap;

use super::Doors;
use crate::origin::OriginRefusal;
use crate::visit::Visit;

impl Doors {
    /// As [`Origins::check`](crate::Origins::check).
    pub(crate) fn check_origin(
        &self,
        visit: &Visit,
        headers: &HeaderMap,
    ) -> Result<(), OriginRefusal> {
        let origins = &self.0.config.origins;
        let checked = origins.check(visit.own.as_ref(), headers);
        checked.map_err(|refusal| self.explained(refusal, visit))
    }

    /// As [`Origins::check_post`](crate::Origins::check_post).
    pub(crate) fn check_post_origin(
        &self,
        visit: &Visit,
        headers: &HeaderMap,
    ) -> Result<(), OriginRefusal> {
        let origins = &self.0.config.origins;
        let checked = origins.check_post(visit.own.as_ref(), headers);
        checked.map_err(|refusal| self.explained(refusal, visit))
    }

    /// As [`Origins::check_program_post`](crate::Origins::check_program_post).
    pub(crate) fn check_program_origin(
        &self,
        visit: &Visit,
        headers: &HeaderMap,
    ) -> Result<(), OriginRefusal> {
        let origins = &self.0.config.origins;
        let checked = origins.check_program_post(visit.own.as_ref(), headers);
        checked.map_err(|refusal| self.explained(refusal, visit))
    }

    /// Behind a proxy that is not named this server's own pages look like another site's. Said once
    /// in the log: anybody can write such headers.
    fn explained(&self, refusal: OriginRefusal, visit: &Visit) -> OriginRefusal {
        match (refusal, visit.unknown_proxy) {
            (OriginRefusal::Foreign, Some(proxy)) => {
                self.0.unknown_proxy_told.call_once(|| {
                    tracing::warn!(
                        %proxy,
                        "a page was refused, and its request came through a proxy that is not \
                         named: if it is yours, name it with --trusted-proxy"
                    );
                });
                OriginRefusal::ForeignByProxy
            }
            (refusal, _) => refusal,
        }
    }
}
