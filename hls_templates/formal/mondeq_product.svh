  // Weight times word, two cycles ago.  A weight is the sum of its bits, bit i worth 2**i and the top bit -2**i; but one
  // bit means +1 or -1, and -2 is no two-bit weight.
  logic signed [ProductBits-1:0] f_data, f_product_q2;
  logic [1:0] f_age = '0;
  always_comb begin
    f_data = ProductBits'(data_i);
    if (DataSigned) f_data = $signed(data_i);
    if (WeightBits == 2) assume (weight_i != 2'b10);
  end
  always_ff @(posedge clk_i) if (f_age != 2'd2) f_age <= f_age + 1'b1;
  always_comb if (f_age == 2'd2) is_product: assert (product_o == f_product_q2);

  if (WeightBits <= 2 || (Multiplies && Parts == 1)) begin : f_whole
    logic signed [ProductBits-1:0] f_weight, f_product_q1;
    assign f_weight = (WeightBits > 1) ? ProductBits'($signed(weight_i)) : weight_i[0] ? -1 : 1;
    always_ff @(posedge clk_i) begin
      f_product_q1 <= f_weight * f_data;
      f_product_q2 <= f_product_q1;
    end
  end
  if (!Multiplies && WeightBits > 2) begin : f_digits
    // Two bits at a time, so that the sum is proved from its parts.
    localparam int FDigits = (WeightBits + 1) / 2;
    localparam int PartBits = DataBits + 2;
    logic [FDigits-1:0] f_same;
    logic signed [FDigits*ProductBits-1:0] f_digits_q;
    for (genvar i = 0; i < WeightBits; i += 2) begin : f_digit
      logic signed [ProductBits-1:0] f_one, f_two;
      assign f_one = weight_i[i] ? f_data : '0;
      if (i == WeightBits - 1) begin : f_top
        assign f_two = -2 * f_one;
      end else begin : f_pair
        assign f_two = weight_i[i+1] ? ((i == WeightBits - 2) ? -2 : 2) * f_data : '0;
      end
      always_ff @(posedge clk_i) f_digits_q[(i/2)*ProductBits+:ProductBits] <= f_one + f_two;
      logic signed [PartBits-1:0] f_part;
      assign f_part = g_digits.parts_q[(i/2)*PartBits+:PartBits];
      assign f_same[i/2] = f_digits_q[(i/2)*ProductBits+:ProductBits]
          == ((i / 2 == FDigits - 1 || DataSigned) ? ProductBits'(f_part) : ProductBits'($unsigned(f_part)));
    end
    always_comb if (f_age != '0) are_digits: assert (&f_same);
    always_ff @(posedge clk_i) begin
      f_product_q2 = '0;
      for (int i = 0; i < FDigits; i++) f_product_q2 = f_product_q2 + (f_digits_q[i*ProductBits+:ProductBits] << (2 * i));
    end
  end
  if (Parts > 1) begin : f_cut
    // The word is the sum of its parts, each as wide as a multiplier, so the product is the sum of theirs.
    localparam int FPieceBits = WeightBits + MultiplierBits;
    logic signed [ProductBits-1:0] f_word;
    logic signed [Parts*MultiplierBits-1:0] f_pieces;
    logic [Parts-1:0] f_equal;
    for (genvar i = 0; i < Parts; i++) begin : f_piece
      logic signed [MultiplierBits-1:0] f_operand;
      logic signed [FPieceBits-1:0] f_partial_q1;
      assign f_operand = g_parts.g_part[i].part;
      assign f_pieces[i*MultiplierBits+:MultiplierBits] = f_operand;
      always_ff @(posedge clk_i) f_partial_q1 <= $signed(weight_i) * f_operand;
      assign f_equal[i] = f_partial_q1 == g_parts.terms_q[i*FPieceBits+:FPieceBits];
    end
    always_comb begin
      f_word = '0;
      for (int i = 0; i < Parts; i++) begin
        f_word = f_word + (ProductBits'($signed(f_pieces[i*MultiplierBits+:MultiplierBits])) << (i * LowBits));
      end
      is_word: assert (f_word == f_data);
    end
    always_comb if (f_age != '0) are_parts: assert (&f_equal);
    always_ff @(posedge clk_i) begin
      f_product_q2 = '0;
      for (int i = 0; i < Parts; i++) begin
        f_product_q2 = f_product_q2 + (ProductBits'($signed(g_parts.terms_q[i*FPieceBits+:FPieceBits])) << (i * LowBits));
      end
    end
  end
