//! Anything as a compressed message: what is said, within the limit and its memory, or an error; and
//! anything as a payload: it comes back from the frame that it was sent in.
//!
//! Byte 0 chooses the limit, the rest is the message.

use parlour_ws::deflate::{Deflater, Inflater, Window};
use parlour_ws::{Incoming, Limits, Opcode, ProtocolError, Receiver, put_frame};

const LIMITS: [usize; 5] = [0, 1, 100, 5_000, 1 << 20];

pub(crate) fn run(data: &[u8]) {
    let [limit, message @ ..] = data else {
        return;
    };
    let limit = LIMITS[usize::from(*limit) % LIMITS.len()];
    inflates_within(message, limit);
    for window in Window::ALL {
        comes_back(message, window);
    }
}

fn inflates_within(message: &[u8], limit: usize) {
    let mut inflater = Inflater::new();
    let first = inflater.inflate(message, limit).map(<[u8]>::to_vec);
    match &first {
        Ok(said) => assert!(said.len() <= limit),
        Err(error) => {
            let too_big = ProtocolError::InflatesTooBig { limit };
            assert!([ProtocolError::NotDeflate, too_big].contains(error));
        }
    }
    assert!(inflater.capacity() <= limit, "{}", inflater.capacity());
    let again = inflater.inflate(message, limit).map(<[u8]>::to_vec);
    assert_eq!(again, first, "nothing is left of a message");
}

fn comes_back(payload: &[u8], window: Window) {
    let (mut frame, mut plain) = (Vec::new(), Vec::new());
    Deflater::new(window).put_frame(&mut frame, Opcode::Binary, payload);
    put_frame(&mut plain, Opcode::Binary, payload);
    assert!(frame.len() <= plain.len());
    let (mut receiver, mut inflater) = (Receiver::client(), Inflater::new());
    let limits = Limits {
        max_message_bytes: payload.len(),
    };
    let received = receiver.receive_inflating(&limits, &mut inflater, &mut frame);
    let item = received.expect("it is a frame").item;
    assert_eq!(item, Some(Incoming::Binary(payload)));
}
