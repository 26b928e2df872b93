  // Behind the filter, which is a unit: from the first low cycle of an idle line on bit k is looked at in its middle, k
  // times ClocksPerBit behind the start bit's.  A byte is delivered, once, where a start bit was low and the stop bit is
  // high, an error where that is low; then nothing is one until the line is high again.
  localparam int FIdle = 0, FFrame = 1, FBreak = 2;
  localparam int FMiddle = ClocksPerBit / 2;  // of the start bit, from its first low cycle on
  logic f_old = 1'b0;
  logic [1:0] f_state_q;
  logic [31:0] f_time_q, f_next_q;  // since the first low cycle; of the next bit's middle
  logic [3:0] f_bit_q;              // that one's number
  logic [7:0] f_byte_q;
  logic f_look, f_ends;
  assign f_look = f_state_q == FFrame && f_time_q == f_next_q;
  assign f_ends = f_look && f_bit_q == 9;
  always_ff @(posedge clk_i) begin
    f_old <= 1'b1;
    f_time_q <= f_time_q + 1;
    if (!rst_ni) f_state_q <= FIdle;
    else if (f_state_q == FIdle && !line) begin
      f_state_q <= FFrame;
      f_time_q <= 1;
      f_next_q <= FMiddle;
      f_bit_q <= '0;
    end else if (f_state_q == FBreak && line) f_state_q <= FIdle;
    else if (f_look) begin
      f_next_q <= f_next_q + ClocksPerBit;
      f_bit_q <= f_bit_q + 1'b1;
      if (f_bit_q != 0 && f_bit_q != 9) f_byte_q[f_bit_q-1] <= line;
      if (f_bit_q == 0 && line) f_state_q <= FIdle;
      if (f_bit_q == 9) f_state_q <= line ? FIdle : FBreak;
    end
  end
  logic [7:0] f_taken;  // the bits of the byte that have come, at the top like the receiver's
  assign f_taken = (f_bit_q == 0) ? '0 : f_byte_q << (9 - f_bit_q);
  always_comb begin
    if (!f_old) assume (!rst_ni);
    if (f_old) begin
      delivers: assert (valid_o == (f_ends && line));
      if (valid_o) is_byte: assert (data_o == f_byte_q);
      reports: assert (error_o == (f_ends && !line));
      state: assert ((state_q == Idle) == (f_state_q == FIdle) && (state_q == Receive) == (f_state_q == FFrame)
          && (state_q == Break) == (f_state_q == FBreak) && f_state_q <= FBreak);
      if (f_state_q == FFrame) begin
        clock: assert (32'(count_q) < ClocksPerBit && f_bit_q <= 9 && f_time_q != 0 && f_time_q <= f_next_q
            && f_next_q == FMiddle + f_bit_q * ClocksPerBit && f_time_q == 1 + bit_q * ClocksPerBit + count_q
            && f_bit_q == ((32'(count_q) > FMiddle - 1) ? bit_q + 1'b1 : bit_q));
        bits: assert (f_bit_q <= 1 || ((data_o ^ f_taken) >> (9 - f_bit_q)) == '0);
      end
    end
  end
