// Serial transmitter, 8 data bits, no parity, one stop bit.
module mondeq_uart_tx #(
  parameter int ClocksPerBit = 8
) (
  input  logic       clk_i,
  input  logic       rst_ni,
  input  logic [7:0] data_i,
  input  logic       valid_i,
  output logic       ready_o,
  output logic       tx_o
);

  localparam int CountBits = (ClocksPerBit > 1) ? $clog2(ClocksPerBit) : 1;
  localparam logic [CountBits-1:0] Last = CountBits'(ClocksPerBit - 1);

  // Wrong parameters do not elaborate: there is no such module.
  if (ClocksPerBit < 2) begin : g_wrong_bit
    mondeq_error_fewer_than_two_clocks_per_bit u_error ();
  end

  logic [9:0] shift_q;  // the bit on the line is the lowest; ones follow the stop bit
  logic [3:0] left_q;   // bits that are not over
  logic [CountBits-1:0] count_q;

  assign ready_o = left_q == '0;
  assign tx_o = shift_q[0];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      shift_q <= '1;
      left_q  <= '0;
      count_q <= '0;
    end else if (ready_o) begin
      count_q <= '0;
      if (valid_i) begin
        shift_q <= {1'b1, data_i, 1'b0};
        left_q  <= 4'd10;
      end
    end else begin
      count_q <= (count_q == Last) ? '0 : count_q + 1'b1;
      if (count_q == Last) begin
        shift_q <= {1'b1, shift_q[9:1]};
        left_q  <= left_q - 1'b1;
      end
    end
  end

`ifdef MONDEQ_ASSERT
  mondeq_assert u_range (.clk_i, .rst_ni, .holds_i((left_q <= 4'd10) && (int'(count_q) < ClocksPerBit)));
`endif

endmodule
