// Writes answer frames: errors and the identity when asked for, and a result as soon as its first word is there.
module mondeq_frame_encoder #(
  parameter int OutputWords = 1,
  parameter int OutputBytes = 1  // of a word
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic                     answer_valid_i,
  output logic                     answer_ready_o,
  input  logic [7:0]               answer_reason_i,  // 0: the identity
  input  logic [7:0]               answer_sequence_i,
  input  logic [7:0]               result_sequence_i,
  output logic                     result_done_o,    // the last byte of a result's payload leaves
  input  logic [8*OutputBytes-1:0] result_i,
  input  logic                     result_valid_i,
  output logic                     result_ready_o,
  output logic [7:0]               byte_o,
  output logic                     byte_valid_o,
  input  logic                     byte_ready_i
);

  localparam int ByteBits = (OutputBytes > 1) ? $clog2(OutputBytes) : 1;
  localparam int IdentityBytes = mondeq_board_pkg::IdentityBytes;

  // Wrong parameters do not elaborate: there is no such module.
  if (OutputWords < 1 || OutputBytes < 1 || OutputWords * OutputBytes > 65535) begin : g_wrong_length
    mondeq_error_result_beyond_a_frame u_error ();
  end

  typedef enum logic [1:0] {
    Wait,
    Header,
    Payload,
    Check
  } state_e;

  state_e state_q;
  logic [7:0] kind_q, sequence_q, reason_q;
  logic [15:0] count_q, length;  // bytes of the state that are sent
  logic [ByteBits-1:0] result_byte_q;
  logic [31:0] crc, crc_q;
  logic result, identity, send, last;

  assign result = kind_q == mondeq_board_pkg::KindResult;
  assign identity = kind_q == mondeq_board_pkg::KindIdentity;
  assign length = result ? 16'(OutputWords * OutputBytes) : identity ? 16'(IdentityBytes) : 16'd1;
  assign answer_ready_o = state_q == Wait;

  assign byte_valid_o = (state_q != Wait) && ((state_q != Payload) || !result || result_valid_i);
  assign send = byte_valid_o && byte_ready_i;
  assign result_ready_o = send && (state_q == Payload) && result && (result_byte_q == ByteBits'(OutputBytes - 1));
  assign result_done_o = result_ready_o && last;

  always_comb begin
    case (state_q)
      Header: begin
        last = count_q == 16'd4;
        case (count_q[2:0])
          3'd0: byte_o = mondeq_board_pkg::Sync;
          3'd1: byte_o = kind_q;
          3'd2: byte_o = sequence_q;
          3'd3: byte_o = length[7:0];
          default: byte_o = length[15:8];
        endcase
      end
      Payload: begin
        last = count_q == length - 16'd1;
        if (result) byte_o = result_i[8*result_byte_q+:8];
        else if (identity) byte_o = mondeq_board_pkg::Identity[8*count_q[$clog2(IdentityBytes)-1:0]+:8];
        else byte_o = reason_q;
      end
      default: begin
        last = count_q == 16'd3;
        byte_o = ~crc_q[8*count_q[1:0]+:8];
      end
    endcase
  end

  mondeq_crc32 u_crc (
    .crc_i (crc_q),
    .data_i(byte_o),
    .crc_o (crc)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q       <= Wait;  // in which all but the place in a word begins anew
      result_byte_q <= '0;
    end else if (state_q == Wait) begin
      count_q <= '0;
      crc_q   <= '1;
      if (answer_valid_i) begin
        state_q    <= Header;
        sequence_q <= answer_sequence_i;
        reason_q   <= answer_reason_i;
        kind_q     <= (answer_reason_i == mondeq_board_pkg::ReasonNone) ? mondeq_board_pkg::KindIdentity
                                                                        : mondeq_board_pkg::KindError;
      end else if (result_valid_i) begin
        state_q    <= Header;
        sequence_q <= result_sequence_i;
        kind_q     <= mondeq_board_pkg::KindResult;
      end
    end else if (send) begin
      // The checksum covers all between sync and itself.
      if ((state_q == Payload) || ((state_q == Header) && (count_q != '0))) crc_q <= crc;
      count_q <= last ? '0 : count_q + 1'b1;
      if ((state_q == Payload) && result) result_byte_q <= result_ready_o ? '0 : result_byte_q + 1'b1;
      if (last) begin
        case (state_q)
          Header: state_q <= Payload;
          Payload: state_q <= Check;
          default: state_q <= Wait;
        endcase
      end
    end
  end

`ifdef MONDEQ_ASSERT
  logic stalled_q, counted;
  logic [15:0] limit;
  logic [7:0] offered_q;

  always_ff @(posedge clk_i) begin
    stalled_q <= rst_ni && byte_valid_o && !byte_ready_i;
    offered_q <= byte_o;
  end
  assign limit = (state_q == Header) ? 16'd5 : (state_q == Payload) ? length : 16'd4;
  assign counted = (state_q == Wait) || (count_q < limit);
  mondeq_assert u_count (.clk_i, .rst_ni, .holds_i(counted));
  mondeq_assert u_result_byte (.clk_i, .rst_ni, .holds_i(int'(result_byte_q) < OutputBytes));
  mondeq_assert u_stable (.clk_i, .rst_ni, .holds_i(!stalled_q || (byte_valid_o && (byte_o == offered_q))));
`endif

endmodule
